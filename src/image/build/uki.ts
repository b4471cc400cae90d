// SPDX-License-Identifier: AGPL-3.0-or-later
import { type Pe, parsePe } from '../../bytes/formats/pe.ts';

const OFFSET_OF_COFF = 0x3c;
const TIME_STAMP = 8;

/** A program of the locked tools, so it is well formed or the build is wrong. */
export function trustedPe(bytes: Uint8Array): Pe {
  const pe = parsePe(bytes);
  if ('problem' in pe) throw new Error(`not a PE program: ${pe.problem}`);
  return pe;
}

/**
 * Where to put further sections of these sizes, from the image's base: one after the other behind the last one, each
 * aligned. The kernel must be the last, since it is unpacked in place.
 */
export function placeSections({ sections, sectionAlignment }: Pe, sizes: readonly number[]): number[] {
  const align = (value: number) => Math.ceil(value / sectionAlignment) * sectionAlignment;
  let next = align(Math.max(...sections.map(({ virtualAddress, virtualSize }) => virtualAddress + virtualSize)));
  return sizes.map((size) => {
    const address = next;
    next = align(next + size);
    return address;
  });
}

/**
 * The same program with its time stamp set and its checksum cleared, padded to 8 bytes. objcopy stamps the wall clock;
 * signing pads to 8 bytes, and the signer computes the checksum. So the Authenticode hash of the unsigned program is
 * also the signed one's.
 */
export function settlePe(bytes: Uint8Array, seconds: number): Uint8Array {
  const { checksumAt } = trustedPe(bytes);
  const settled = new Uint8Array(Math.ceil(bytes.length / 8) * 8);
  settled.set(bytes);
  const file = new DataView(settled.buffer);
  file.setUint32(file.getUint32(OFFSET_OF_COFF, true) + TIME_STAMP, seconds, true);
  file.setUint32(checksumAt, 0, true);
  return settled;
}
