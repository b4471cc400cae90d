// SPDX-License-Identifier: AGPL-3.0-or-later

/** What was waited for did not appear on a machine's console. The message ends with the console's last lines. */
export class ConsoleError extends Error {
  override readonly name = 'ConsoleError';
}

interface Waiter {
  readonly marker: RegExp;
  readonly resolve: (match: RegExpExecArray) => void;
  readonly reject: (why: ConsoleError) => void;
}

const KEPT = 1 << 20;
const LINES_IN_MESSAGE = 30;

/** Where the firmware of virtual machines (OVMF) hands over. */
const STARTING = /BdsDxe: starting Boot[0-9A-F]{4} [^\n]*\n/;

/** What a machine said after its firmware had started it; undefined when that never happened. */
export function afterFirmware(text: string): string | undefined {
  const last = STARTING.exec(text);
  return last === null ? undefined : text.slice(last.index + last[0].length);
}

/** The serial console of a machine: its last MiB of text, and a way to wait for what it says. */
export class SerialConsole {
  #text = '';
  #ended: string | undefined;
  readonly #waiters = new Set<Waiter>();

  get text(): string {
    return this.#text;
  }

  append(piece: string): void {
    this.#text = (this.#text + piece).slice(-KEPT);
    for (const waiter of this.#waiters) {
      const match = waiter.marker.exec(this.#text);
      if (match === null) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(match);
    }
  }

  /** No more text will come. Those who still wait are told `why`. */
  end(why: string): void {
    this.#ended = why;
    for (const { marker, reject } of this.#waiters) reject(this.#failure(marker, why));
    this.#waiters.clear();
  }

  /**
   * Resolves as soon as the text so far, or what comes, matches; fails after `limit` milliseconds, or when the machine
   * ends before. The expression must not be global.
   */
  async waitFor(marker: RegExp, limit: number): Promise<RegExpExecArray> {
    const match = marker.exec(this.#text);
    if (match !== null) return match;
    if (this.#ended !== undefined) throw this.#failure(marker, this.#ended);
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
    const waiter = { marker, resolve, reject };
    this.#waiters.add(waiter);
    const timer = setTimeout(() => {
      this.#waiters.delete(waiter);
      reject(this.#failure(marker, `not within ${limit / 1000} s`));
    }, limit);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  #failure(marker: RegExp, why: string): ConsoleError {
    const last = this.#text.split('\n').slice(-LINES_IN_MESSAGE).join('\n');
    return new ConsoleError(`waited for ${marker} on the console: ${why}; it said last:\n${last}`);
  }
}
