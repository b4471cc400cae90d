// SPDX-License-Identifier: AGPL-3.0-or-later

/** Bytes that MD5 and SHA-256 take at once. */
const BLOCK = 64;

/**
 * Copies `bytes[start]` to `bytes[end - 1]` into `block`, of which `filled` bytes are taken, and has it compressed each time it
 * is full. Gives how many bytes of it are taken now.
 */
export function fillBlock(
  block: Uint8Array,
  filled: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  compress: () => void,
): number {
  let to = filled;
  for (let from = start; from < end; ) {
    const stop = Math.min(end, from + BLOCK - to);
    for (; from < stop; from += 1, to += 1) block[to] = bytes[from] as number;
    if (to === BLOCK) {
      compress();
      to = 0;
    }
  }
  return to;
}
