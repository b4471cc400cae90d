// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Random } from '../../../core/random/random.ts';

/**
 * What charon and the agent share. It is made anew at each start of a gateway and kept only in its /run, as a line that
 * charon's configuration includes: so the configuration itself holds no secret and can be compared.
 */
export function makeRadiusSecret(random: Random): string {
  return `secret = ${random.bytes(32).toHex()}\n`;
}

/** The secret's bytes as RADIUS uses them; undefined for any other content. */
export function readRadiusSecret(content: string): Uint8Array | undefined {
  const digits = /^secret = ([0-9a-f]{64})\n$/.exec(content)?.[1];
  return digits === undefined ? undefined : Uint8Array.from(digits, (digit) => digit.charCodeAt(0));
}
