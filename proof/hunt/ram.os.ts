// SPDX-License-Identifier: AGPL-3.0-or-later
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';
import type { Pattern } from './marker.ts';
import { type Matcher, StreamSearch } from './matcher.ts';
import type { Occurrence, RamSearch } from './ram.ts';

/**
 * Searches a file that is the memory of a virtual machine, all of it, whatever the guest uses it for. The machine should
 * stand still meanwhile.
 */
export async function searchRam(path: string, matcher: Matcher<Pattern>): Promise<RamSearch> {
  const occurrences: Occurrence[] = [];
  const search = new StreamSearch(matcher, ({ marker, encoding, bytes }, address) => {
    occurrences.push({ marker, encoding, length: bytes.length, address });
  });
  const file = openSync(path, 'r');
  try {
    for (const { size } = fstatSync(file); search.bytes < size; await breathe()) {
      search.filled(readSync(file, search.room, 0, search.room.length, search.bytes));
    }
  } finally {
    closeSync(file);
  }
  return { bytes: search.bytes, occurrences };
}
