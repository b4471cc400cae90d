// SPDX-License-Identifier: AGPL-3.0-or-later
import { type InnerPools, innerByte } from '../../core/sessions/inner.ts';
import { innerKey } from '../sensitive/openvpn.ts';

const bytes = new Uint8Array(16);

/** Both inner addresses of a host, as numbers; see innerKey. */
export function keysOf({ base4, base6 }: InnerPools, host: number): readonly [four: number, six: number] {
  return [keyAt(base4, host, 4), keyAt(base6, host, 16)];
}

function keyAt(base: Uint8Array, host: number, length: 4 | 16): number {
  for (let index = 0; index < length; index += 1) bytes[index] = innerByte(base, host, index);
  return innerKey(bytes, 0, length);
}

/** Writes the address of a key and gives its length; 0 when no pool has it. */
export function writeKey(pools: readonly InnerPools[], key: number, address: Uint8Array): 0 | 4 | 16 {
  const pool = Math.floor(key / 2 ** 32);
  const length = pool === 0 ? 4 : 16;
  if (length === 16) {
    const base = pools.find(({ base6 }) => 256 * (base6[6] as number) + (base6[7] as number) + 1 === pool)?.base6;
    if (base === undefined) return 0;
    address.set(base);
  }
  for (let index = 1; index <= 4; index += 1) address[length - index] = Math.floor(key / 256 ** (index - 1)) % 256;
  return length;
}
