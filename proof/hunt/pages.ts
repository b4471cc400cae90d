// SPDX-License-Identifier: AGPL-3.0-or-later

/** Bits of /proc/kpageflags: the kernel's include/uapi/linux/kernel-page-flags.h. */
const FLAG = {
  lru: 1 << 5,
  slab: 1 << 7,
  free: 1 << 10,
  mapped: 1 << 11,
  anonymous: 1 << 12,
  head: 1 << 15,
  tail: 1 << 16,
  table: 1 << 26,
};

/** The words for pages that no service has mapped. */
export const USES = {
  free: 'free pages',
  slab: 'kernel objects',
  table: 'page tables',
  /** Of a process that ended, or that we may not look into. */
  nobody: 'memory of nobody',
  files: 'files in memory',
  /** Of several pages each: what network cards and sockets put packets into. */
  fragments: 'packet buffers',
  /** What is left: stacks of kernel threads and system calls, pages of drivers. */
  other: 'kernel stacks and rest',
} as const;

function useOf(flags: number, services: readonly string[]): string {
  if (services.length > 0)
    return `${services
      .map((name) => name.replace(/\.service$/, ''))
      .toSorted()
      .join(' + ')} memory`;
  if (flags & FLAG.free) return USES.free;
  if (flags & FLAG.slab) return USES.slab;
  if (flags & FLAG.table) return USES.table;
  if (flags & FLAG.anonymous) return USES.nobody;
  if (flags & (FLAG.lru | FLAG.mapped)) return USES.files;
  return flags & (FLAG.head | FLAG.tail) ? USES.fragments : USES.other;
}

/** Reads the answer of guest-pages.ts: a place for each page, by its number. */
export function usesOf(answer: string): Map<number, string> {
  const pages = JSON.parse(answer) as readonly (readonly [page: number, flags: number, services: readonly string[]])[];
  return new Map(pages.map(([page, flags, services]) => [page, useOf(flags, services)]));
}
