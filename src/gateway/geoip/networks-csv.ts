// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHash } from 'node:crypto';
import { parseAddress } from '../../bytes/text/address.ts';
import { ispName } from '../../contracts/usage/isp.ts';
import type { NetworkRanges, Range } from './networks.ts';

/** A line that is not as the format says. The number counts from 1. */
export class CsvError extends Error {
  override readonly name = 'CsvError';

  constructor(line: number) {
    super(`line ${line} is not: first address, last address, number, name`);
  }
}

const UTF8 = new TextDecoder();
const NEWLINE = 0x0a;
const COMMA = 0x2c;

/**
 * Reads the two lists of ip-location-db's `asn` data: `first,last,number,name` in ascending order, the name perhaps in
 * quotation marks. Between two ranges no holder is known; where ranges overlap, as a few do in the data as it is
 * published, the earlier line holds.
 */
export function networksFromCsv(csv4: Uint8Array, csv6: Uint8Array): NetworkRanges {
  const names = new Names();
  return {
    v4: rangesOf(csv4, 4, names),
    v6: rangesOf(csv6, 16, names),
    names: names.list,
    source: sourceOfCsv(csv4, csv6),
  };
}

export function sourceOfCsv(csv4: Uint8Array, csv6: Uint8Array): Uint8Array {
  return createHash('sha256').update(csv4).update(csv6).digest();
}

/** Each name once; 0 is no name. */
class Names {
  readonly list: string[] = [''];
  readonly #known = new Map<string, number>();

  of(text: string): number {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const name = ispName(text);
    const number = name === 'unknown' ? 0 : this.list.push(name) - 1;
    this.#known.set(text, number);
    return number;
  }
}

function rangesOf(csv: Uint8Array, width: 4 | 16, names: Names): Range[] {
  const ranges: Range[] = [];
  const first = new Uint8Array(16);
  const last = new Uint8Array(16);
  const next = new Uint8Array(width);
  let line = 0;
  for (let at = 0; at < csv.length; ) {
    line += 1;
    const newline = csv.indexOf(NEWLINE, at);
    const end = newline === -1 ? csv.length : newline;
    const comma1 = csv.indexOf(COMMA, at);
    const comma2 = csv.indexOf(COMMA, comma1 + 1);
    const comma3 = csv.indexOf(COMMA, comma2 + 1);
    if (comma1 === -1 || comma2 === -1 || comma3 === -1 || comma3 > end) throw new CsvError(line);
    if (parseAddress(csv, at, comma1, first) !== width) throw new CsvError(line);
    if (parseAddress(csv, comma1 + 1, comma2, last) !== width) throw new CsvError(line);
    at = end + 1;
    const [from, to] = [first.subarray(0, width), last.subarray(0, width)];
    if (Buffer.compare(to, from) < 0) throw new CsvError(line);
    if (Buffer.compare(to, next) < 0) continue;
    if (Buffer.compare(from, next) > 0) {
      append(ranges, next, 0);
      next.set(from);
    }
    append(ranges, next, names.of(nameIn(csv, comma3 + 1, end)));
    next.set(to);
    if (increment(next)) return ranges;
  }
  append(ranges, next, 0);
  return ranges;
}

/** Neighbours of one holder are one range. */
function append(ranges: Range[], first: Uint8Array, name: number): void {
  if (ranges.at(-1)?.name !== name) ranges.push({ first: first.slice(), name });
}

/** RFC 4180 §2: within quotation marks, two of them stand for one. */
function nameIn(csv: Uint8Array, start: number, end: number): string {
  const text = UTF8.decode(csv.subarray(start, end)).trim();
  return text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text;
}

/** The address after this one, in place. True when there is none. */
function increment(address: Uint8Array): boolean {
  for (let at = address.length - 1; at >= 0; at -= 1) {
    address[at] = ((address[at] as number) + 1) & 0xff;
    if (address[at] !== 0) return false;
  }
  return true;
}
