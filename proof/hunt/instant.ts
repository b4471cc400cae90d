// SPDX-License-Identifier: AGPL-3.0-or-later
import { anyCase, ascii, bigEndian, type Encoded, inStores } from './encoding.ts';

const SECOND = 1000;
const SLACK = 1;
/** PostgreSQL counts microseconds from 2000-01-01 (src/include/datatype/timestamp.h). */
const POSTGRES_EPOCH = 946_684_800_000;

function pad(value: number): string {
  return String(value).padStart(2, '0');
}

function written(second: number): Encoded[] {
  const date = new Date(second * SECOND);
  const iso = date.toISOString().slice(0, 19);
  const [day = '', clock = ''] = iso.split('T');
  const [weekday = '', dayOfMonth = '', month = '', year = ''] = date.toUTCString().split(/[ ,]+/);
  const forms: Encoded[] = [
    anyCase('iso-8601', ascii(iso)),
    anyCase('iso-8601', ascii(`${day} ${clock}`)),
    anyCase('iso-8601', ascii(`${day.replaceAll('-', '')}T${clock.replaceAll(':', '')}`)),
    anyCase('iso-8601', ascii(`${day.replaceAll('-', '')}${clock.replaceAll(':', '')}`)),
    anyCase('rfc-2822', ascii(`${weekday}, ${dayOfMonth} ${month} ${year} ${clock}`)),
    anyCase('rfc-2822', ascii(`${weekday} ${month} ${String(date.getUTCDate()).padStart(2, ' ')} ${clock}`)),
    anyCase('rfc-2822', ascii(`${month} ${pad(date.getUTCDate())} ${clock}`)),
    // The digits of seconds begin those of milliseconds and microseconds.
    { encoding: 'epoch', bytes: ascii(String(second)) },
  ];
  return forms;
}

/**
 * Eight bytes that hold any whole number from `from` to `to`: the leading bits that all of them share are compared, the
 * others may be anything. Where the range crosses a power of two it is split there.
 */
function range(from: bigint, to: bigint): Encoded[] {
  let free = 0n;
  while (from >> free !== to >> free) free += 1n;
  const border = (to >> (free - 1n)) << (free - 1n);
  if (free > 0n && to - from < (1n << free) / 4n && border > from)
    return [...range(from, border - 1n), ...range(border, to)];
  const all = (1n << 64n) - 1n;
  const mask = bigEndian((all >> free) << free, 8);
  const bytes = bigEndian((from >> free) << free, 8);
  return [
    { encoding: 'epoch-binary', bytes, mask },
    { encoding: 'epoch-binary', bytes: bytes.toReversed(), mask: mask.toReversed() },
  ];
}

function binary(first: number, last: number): Encoded[] {
  const scaled = (unit: number, epoch: number) =>
    range(BigInt(first * SECOND - epoch) * BigInt(unit), BigInt((last + 1) * SECOND - epoch) * BigInt(unit) - 1n);
  const seconds: Encoded[] = [];
  for (let second = first; second <= last; second += 1) {
    const four = bigEndian(BigInt(second), 4);
    for (const bytes of [four, four.toReversed()]) seconds.push({ encoding: 'epoch-binary', bytes });
  }
  return [...seconds, ...scaled(1, 0), ...scaled(1000, 0), ...scaled(1000, POSTGRES_EPOCH)];
}

export type InstantForms = 'text' | 'text and binary';

/**
 * The moment as text (UTC) and as binary numbers of seconds, milliseconds and microseconds, from a second before it to
 * a second after. Every process holds the present time, so memory is not searched for it.
 */
export function instantForms(milliseconds: number, forms: InstantForms): Encoded[] {
  const second = Math.floor(milliseconds / SECOND);
  const seconds = [second - SLACK, second, second + SLACK];
  const numbers = forms === 'text' ? [] : binary(second - SLACK, second + SLACK);
  return inStores([...seconds.flatMap(written), ...numbers]);
}
