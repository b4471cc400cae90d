// SPDX-License-Identifier: AGPL-3.0-or-later

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** Takes one line, without its end, in `line[0]` to `line[length - 1]`. It is wiped on return. False: it is junk. */
export type LineReader = (line: Uint8Array, length: number) => boolean;

/**
 * Cuts what a socket delivers into lines, with two buffers that are used again and again: the socket reads into
 * `receive`, and a line is put together in the other. Both are wiped as soon as they have been read, so a line is
 * nowhere in memory once it has been dealt with.
 */
export class Lines {
  readonly receive: Uint8Array;
  readonly #line: Uint8Array;
  #length = 0;

  constructor(receive = 65_536, longest = 16_384) {
    this.receive = new Uint8Array(new ArrayBuffer(receive));
    this.#line = new Uint8Array(new ArrayBuffer(longest));
  }

  /** The socket has put `count` bytes into `receive`. False when a line is too long or was refused: stop listening. */
  received(count: number, read: LineReader): boolean {
    try {
      for (let i = 0; i < count; i += 1) {
        const byte = this.receive[i] as number;
        if (byte !== LINE_FEED) {
          if (this.#length === this.#line.length) return false;
          this.#line[this.#length] = byte;
          this.#length += 1;
        } else if (!this.#complete(read)) {
          return false;
        }
      }
      return true;
    } finally {
      this.receive.fill(0, 0, count);
    }
  }

  /** Wipes what has come of an unfinished line. */
  wipe(): void {
    this.#line.fill(0, 0, this.#length);
    this.#length = 0;
  }

  #complete(read: LineReader): boolean {
    const ended = this.#length > 0 && this.#line[this.#length - 1] === CARRIAGE_RETURN;
    try {
      return read(this.#line, ended ? this.#length - 1 : this.#length);
    } finally {
      this.wipe();
    }
  }
}
