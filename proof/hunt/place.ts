// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Encoding } from './encoding.ts';
import type { Pattern } from './marker.ts';
import { type Matcher, StreamSearch } from './matcher.ts';

/** A marker found in one form at one place, and how often. */
export interface Hit {
  readonly marker: string;
  readonly encoding: Encoding;
  readonly count: number;
  /** The part of the place where it was met first: a mapping, a file, a stream. */
  readonly at: string;
}

/** Searches the parts of one place one after the other and counts what is met. */
export class Tally {
  readonly #hits = new Map<string, { pattern: Pattern; count: number; at: string }>();
  readonly #stream: StreamSearch<Pattern>;
  #at = '';

  constructor(matcher: Matcher<Pattern>) {
    this.#stream = new StreamSearch(matcher, (pattern) => this.#add(pattern));
  }

  get bytes(): number {
    return this.#stream.bytes;
  }

  /** Begins another part, and names it. Gives the search that its bytes go into. */
  part(at: string): StreamSearch<Pattern> {
    this.#at = at;
    this.#stream.reset();
    return this.#stream;
  }

  hits(): Hit[] {
    return Array.from(this.#hits.values(), ({ pattern: { marker, encoding }, count, at }) => ({
      marker,
      encoding,
      count,
      at,
    }));
  }

  #add(pattern: Pattern): void {
    const identity = `${pattern.marker}\n${pattern.encoding}`;
    const known = this.#hits.get(identity);
    if (known === undefined) this.#hits.set(identity, { pattern, count: 1, at: this.#at });
    else known.count += 1;
  }
}
