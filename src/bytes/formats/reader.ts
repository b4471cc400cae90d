// SPDX-License-Identifier: AGPL-3.0-or-later

/**
 * Takes numbers and byte strings out of hostile bytes, one after the other. What is past the end reads as zeros and
 * sets {@link overrun} for good, so a parser asks once, at its end, whether all of it was there.
 */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #littleEndian: boolean;
  #at = 0;
  /** Whether something was asked for that is not there. */
  overrun = false;

  constructor(bytes: Uint8Array, order: 'big-endian' | 'little-endian') {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#littleEndian = order === 'little-endian';
  }

  /** Bytes that were not read yet. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** Whether everything that was asked for was there, and nothing is left. */
  get exact(): boolean {
    return !this.overrun && this.left === 0;
  }

  u8(): number {
    const at = this.#take(1);
    return at < 0 ? 0 : this.#view.getUint8(at);
  }

  u16(): number {
    const at = this.#take(2);
    return at < 0 ? 0 : this.#view.getUint16(at, this.#littleEndian);
  }

  u32(): number {
    const at = this.#take(4);
    return at < 0 ? 0 : this.#view.getUint32(at, this.#littleEndian);
  }

  u64(): bigint {
    const at = this.#take(8);
    return at < 0 ? 0n : this.#view.getBigUint64(at, this.#littleEndian);
  }

  /** A view of the next bytes; no bytes at all when fewer are left. */
  bytes(length: number): Uint8Array {
    const at = this.#take(length);
    return at < 0 ? this.#bytes.subarray(0, 0) : this.#bytes.subarray(at, at + length);
  }

  /** Bytes behind a 16-bit length, as TPMs write all their buffers. */
  sized(): Uint8Array {
    return this.bytes(this.u16());
  }

  /** The place of the next bytes, or -1 when they are not all there. */
  #take(length: number): number {
    if (this.overrun || length > this.left) {
      this.overrun = true;
      return -1;
    }
    this.#at += length;
    return this.#at - length;
  }
}

/** The big-endian number in `bytes[at]` to `bytes[at + 3]`, which must be there. Makes no view, for what is read in place. */
export function uint32At(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  return high * 65_536 + (((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number));
}

/** Big-endian number of so many bytes. */
export function bigEndian(value: number | bigint, width: 1 | 2 | 4 | 8): Uint8Array {
  const bytes = new Uint8Array(width);
  let rest = BigInt(value);
  for (let at = width - 1; at >= 0; at -= 1) {
    bytes[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

export function littleEndian(value: number | bigint, width: 1 | 2 | 4 | 8): Uint8Array {
  return bigEndian(value, width).toReversed();
}
