// SPDX-License-Identifier: AGPL-3.0-or-later
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import type { Pattern } from './marker.ts';
import type { StreamSearch } from './matcher.ts';
import type { Tally } from './place.ts';

const PAGE = 4096;
/** Bytes of /proc/PID/pagemap for each page; see the kernel's Documentation/admin-guide/mm/pagemap.rst. */
const ENTRY = 8;
/** In the last byte of an entry: the page is in memory (bit 63), or swapped (bit 62). */
const PRESENT = 0xc0;
/** Pages whose entries are read at once. */
const WINDOW = 8192;
/** Kernel pages that every process sees and none can write. */
const KERNEL = /^\[(?:vvar|vvar_vclock|vsyscall)\]$/;

interface Mapping {
  readonly start: number;
  readonly end: number;
  readonly name: string;
}

/** `vanished`: the process ended before or while it was read, so nothing can be said about it. */
export type MemorySearch = 'searched' | 'vanished';

function mappingsOf(pid: number): Mapping[] {
  const mappings: Mapping[] = [];
  for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
    const fields = /^([0-9a-f]+)-([0-9a-f]+) r\S+ \S+ \S+ \S+ *(.*)$/.exec(line);
    if (fields === null) continue;
    const [, start = '', end = '', name = ''] = fields;
    if (KERNEL.test(name)) continue;
    mappings.push({
      start: Number.parseInt(start, 16),
      end: Number.parseInt(end, 16),
      name: name === '' ? 'anonymous' : name,
    });
  }
  return mappings;
}

function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ESRCH';
}

/**
 * Searches every page that the process has in memory. Needs root, or to be the process's user with the right to trace.
 * Pages that were never touched, or were given back, are not read, so a mapping of gigabytes costs what it holds. A page
 * that goes away meanwhile is passed over.
 */
export function searchMemory(pid: number, tally: Tally): MemorySearch {
  let memory = -1;
  let pagemap = -1;
  try {
    memory = openSync(`/proc/${pid}/mem`, 'r');
    pagemap = openSync(`/proc/${pid}/pagemap`, 'r');
    const mappings = mappingsOf(pid);
    for (const mapping of mappings) searchMapping(mapping, memory, pagemap, tally.part(mapping.name));
    // A process that has ended but was not waited for has no mappings.
    return mappings.length > 0 && mappingsOf(pid).length > 0 ? 'searched' : 'vanished';
  } catch (error) {
    if (isGone(error)) return 'vanished';
    throw error;
  } finally {
    for (const file of [memory, pagemap]) if (file !== -1) closeSync(file);
  }
}

function searchMapping(mapping: Mapping, memory: number, pagemap: number, search: StreamSearch<Pattern>): void {
  const entries = new Uint8Array(WINDOW * ENTRY);
  let continued = mapping.start;
  for (let window = mapping.start; window < mapping.end; window += WINDOW * PAGE) {
    const pages = Math.min(WINDOW, (mapping.end - window) / PAGE);
    readSync(pagemap, entries, 0, pages * ENTRY, (window / PAGE) * ENTRY);
    for (const [from, to] of presentRuns(entries, pages)) {
      if (window + from * PAGE !== continued) search.reset();
      continued = window + to * PAGE;
      readRun(window + from * PAGE, continued, memory, search);
    }
  }
}

/** Runs of pages that are in memory, as [first, after the last]. */
function* presentRuns(entries: Uint8Array, pages: number): Iterable<[number, number]> {
  const present = (page: number) => ((entries[page * ENTRY + ENTRY - 1] as number) & PRESENT) !== 0;
  for (let from = 0; from < pages; from += 1) {
    if (!present(from)) continue;
    let to = from + 1;
    while (to < pages && present(to)) to += 1;
    yield [from, to];
    from = to;
  }
}

function readRun(start: number, end: number, memory: number, search: StreamSearch<Pattern>): void {
  for (let at = start; at < end; ) {
    const count = readSome(memory, search.room, at, end - at);
    if (count > 0) search.filled(count);
    else search.reset();
    at += count > 0 ? count : PAGE;
  }
}

/** 0 when the page at `position` is gone. */
function readSome(memory: number, room: Uint8Array, position: number, most: number): number {
  try {
    return readSync(memory, room, 0, Math.min(room.length, most), position);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EIO') return 0;
    throw error;
  }
}
