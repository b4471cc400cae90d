// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHash } from 'node:crypto';

const KINDS =
  'amber ancient autumn blue bold bright brisk broad calm clear clever cool copper coral crisp early eager even fair fine fresh gentle glad golden grand green happy hazel honest ivory jolly keen kind late light little lively lucky mellow merry mild misty neat noble olive patient plain proud quick quiet ready red rosy round royal rural shady silver slow smooth snowy steady sunny swift'.split(
    ' ',
  );
const THINGS =
  'acorn alder anchor apple badger beaver birch bridge brook cedar cherry cliff cloud clover comet creek crane dune eagle ember falcon fern field finch garden glade harbour heron hill island ivy jay kestrel lake lantern lark maple meadow moon moss oak orchard otter owl pebble pine plover poplar rain raven reed river robin sparrow spring star stone swallow thistle thrush valley willow wind wren'.split(
    ' ',
  );

/** How many names there are. Ten keys of one customer have one name twice in about one case of a hundred. */
export const NAMES = KINDS.length * THINGS.length;

/**
 * Two words by which a customer tells keys apart: `quiet heron`. They follow from the public key, so that nothing is
 * stored and the same key has the same name everywhere.
 */
export function deviceName(publicKey: string): string {
  const digest = createHash('sha256').update(`lethe device name v1\n${publicKey}`).digest();
  return `${KINDS[digest.readUInt8(0) % KINDS.length]} ${THINGS[digest.readUInt8(1) % THINGS.length]}`;
}
