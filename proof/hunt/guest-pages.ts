// SPDX-License-Identifier: AGPL-3.0-or-later
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';

// Runs inside a guest, as root: says of each page of the machine's memory that is named by its number (arguments, decimal)
// what the kernel uses it for, and which services have it mapped. Prints JSON: [number, flags, services][].
// Sources: the kernel's Documentation/admin-guide/mm/pagemap.rst, proc(5).

const PAGE = 4096;
const ENTRY = 8;
/** Pages whose entries are read at once. */
const WINDOW = 16_384;

const wanted = new Map(process.argv.slice(2).map((number) => [Number(number), new Set<string>()]));
const entries = new Uint32Array((WINDOW * ENTRY) / 4);

/** Fills `entries` from the number `first` on, two words each, and gives how many there are. */
function read(file: number, first: number, count: number): number {
  return readSync(file, entries, 0, count * ENTRY, first * ENTRY) / ENTRY;
}

/** Processes come and go while we look, and a machine may have some that not even root may look into. */
function unlessGone(look: () => void): void {
  try {
    look();
  } catch (error) {
    if (!['ENOENT', 'ESRCH', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

function searchProcess(pid: string): void {
  const service = /([^/]+)\n$/.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? 'no service';
  const file = openSync(`/proc/${pid}/pagemap`, 'r');
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
      const range = /^([0-9a-f]+)-([0-9a-f]+) (?!---)/.exec(line);
      if (range === null || line.endsWith('[vsyscall]')) continue;
      const end = Number.parseInt(range[2] ?? '', 16) / PAGE;
      for (let page = Number.parseInt(range[1] ?? '', 16) / PAGE; page < end; page += WINDOW) {
        const count = read(file, page, Math.min(WINDOW, end - page));
        // Bit 63: in memory; the lower 55 bits are then the page's number, of which a machine of 16 TiB fills 32.
        for (let at = 0; at < count * 2; at += 2) {
          if ((entries[at + 1] as number) >>> 31 === 1) wanted.get(entries[at] as number)?.add(service);
        }
      }
    }
  } finally {
    closeSync(file);
  }
}

for (const pid of readdirSync('/proc')) {
  if (/^\d+$/.test(pid) && Number(pid) !== process.pid) unlessGone(() => searchProcess(pid));
}
const flags = openSync('/proc/kpageflags', 'r');
const answer = Array.from(wanted, ([page, services]) => {
  // All that we name are in the lower word (include/uapi/linux/kernel-page-flags.h).
  return [page, read(flags, page, 1) === 1 ? entries[0] : 0, Array.from(services)];
});
process.stdout.write(JSON.stringify(answer));
