// SPDX-License-Identifier: AGPL-3.0-or-later
import { uint32At } from '../../bytes/formats/reader.ts';

/** charon's own limit. */
export const MAX_VICI_PACKET = 512 * 1024;
const LENGTH = 4;

/** Cuts the byte stream from charon into packets, in one buffer that is wiped behind each of them. */
export class Frames {
  readonly #bytes = new Uint8Array(new ArrayBuffer(MAX_VICI_PACKET + LENGTH));
  #filled = 0;

  /**
   * Takes `length` bytes of a piece, wipes them there, and delivers each packet that is complete now. The packet is
   * in `bytes[start]` to `bytes[end - 1]` only until `deliver` returns. False if what comes cannot be vici.
   */
  take(
    piece: Uint8Array,
    length: number,
    deliver: (bytes: Uint8Array, start: number, end: number) => boolean,
  ): boolean {
    try {
      for (let at = 0; at < length; ) {
        const room = Math.min(length - at, this.#bytes.length - this.#filled);
        for (let i = 0; i < room; i += 1) this.#bytes[this.#filled + i] = piece[at + i] as number;
        this.#filled += room;
        at += room;
        if (!this.#deliver(deliver)) return false;
      }
      return true;
    } finally {
      piece.fill(0, 0, length);
    }
  }

  wipe(): void {
    this.#bytes.fill(0, 0, this.#filled);
    this.#filled = 0;
  }

  #deliver(deliver: (bytes: Uint8Array, start: number, end: number) => boolean): boolean {
    const bytes = this.#bytes;
    let start = 0;
    let sound = true;
    while (sound && this.#filled - start >= LENGTH) {
      const size = uint32At(bytes, start);
      if (size === 0 || size > MAX_VICI_PACKET) sound = false;
      else if (this.#filled - start - LENGTH < size) break;
      else {
        sound = deliver(bytes, start + LENGTH, start + LENGTH + size);
        start += LENGTH + size;
      }
    }
    bytes.copyWithin(0, start, this.#filled);
    bytes.fill(0, this.#filled - start, this.#filled);
    this.#filled -= start;
    return sound;
  }
}
