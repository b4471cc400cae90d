// SPDX-License-Identifier: AGPL-3.0-or-later
import { type CpuInfo, cpus } from 'node:os';

type Times = Pick<CpuInfo, 'times'>;

/** Milliseconds over which the processors are looked at. */
const SPAN = 3000;

/** How much of this machine's processors is not used. Tests wait for daemons and clocks more than they compute. */
export class IdleMeter {
  readonly #read: () => readonly Times[];
  #since: { readonly at: number; readonly idle: number; readonly all: number };

  /** `now` in milliseconds of a clock that only goes forward. */
  constructor(now: number, read: () => readonly Times[] = cpus) {
    this.#read = read;
    this.#since = this.#total(now);
  }

  /** Whether a part of the processors (0 to 1) was idle since the last answer; false when that is less than three seconds ago. */
  isIdle(now: number, part: number): boolean {
    if (now - this.#since.at < SPAN) return false;
    const before = this.#since;
    this.#since = this.#total(now);
    const all = this.#since.all - before.all;
    return all > 0 && (this.#since.idle - before.idle) / all >= part;
  }

  #total(at: number) {
    const times = this.#read().map((cpu) => cpu.times);
    const idle = times.reduce((sum, of) => sum + of.idle, 0);
    const all = times.reduce((sum, of) => sum + of.user + of.nice + of.sys + of.idle + of.irq, 0);
    return { at, idle, all };
  }
}
