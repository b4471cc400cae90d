// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Clock } from '../../src/core/clock/clock.ts';
import { INVENTORY } from '../../src/core/inventory/inventory.ts';
import type { Random } from '../../src/core/random/random.ts';
import { EXIT } from '../../src/host/terminal/exit.ts';
import type { Terminal } from '../../src/host/terminal/terminal.ts';
import { table } from '../../src/host/terminal/terminal.ts';
import { type DemoReport, type RememberedRecord, runDemo } from './demo.os.ts';
import { type Step, Stopped } from './steps.ts';

export interface DemoFlags {
  readonly json: boolean;
  readonly version: string;
}

export interface DemoCliDeps {
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  readonly clock: Clock;
  readonly random: Random;
  /** Resolves when a person has seen enough. */
  readonly stopRequested: Promise<void>;
}

/** Seconds after the disconnect at which memory is searched. */
const AFTER = [10, 60] as const;

function line({ ok, name, ms, detail }: Step): string {
  const time = `${(ms / 1000).toFixed(1).padStart(6)} s`;
  return `  ${ok ? '✓' : '✗'} ${name.padEnd(64)} ${time}${detail === undefined ? '' : `  ${detail}`}\n`;
}

/** Each record with the declaration that allows it, a field a line. */
function rememberedText(records: readonly RememberedRecord[]): string {
  const blocks = records.map(({ store, record, fields }) => {
    const rows = Object.entries(fields).map(([name, value]) => [
      '',
      name,
      value,
      INVENTORY[store]?.[name]?.purpose ?? '',
    ]);
    return `\n  ${record}  ${store}\n${table(rows, '   ')}`;
  });
  return `\nEverything the service remembers of this customer, beside what allows it:\n${blocks.join('')}`;
}

function closing(report: DemoReport): string {
  const held = report.steps.filter((step) => step.ok).length;
  return `\n${report.ok ? 'Every step held' : 'NOT every step held'}: ${held} of ${report.steps.length}.\n`;
}

async function reportOf(
  { version }: DemoFlags,
  { clock, random, stderr, stopRequested }: DemoCliDeps,
  { terminal, after }: { readonly terminal: Terminal; readonly after: readonly number[] },
): Promise<DemoReport | 'stopped'> {
  let isStopped = false;
  void stopRequested.then(() => {
    isStopped = true;
    stderr.write('lethe: It stops when this step has ended, and takes everything back.\n');
  });
  try {
    return await runDemo({
      clock,
      random,
      release: version,
      listen: { host: '127.0.0.1', port: 0 },
      terminal,
      after,
      isStopped: () => isStopped,
      tell: (step) => terminal.write(line(step)),
      show: (text) => terminal.write(`\nWhat was met in memory and stores, times per look:\n\n${text}\n`),
    });
  } catch (error) {
    if (error instanceof Stopped) return 'stopped';
    throw error;
  }
}

/** `./lethe demo [--json]`. Gives the exit code: 0 only if each step held; 1 also when it was interrupted. */
export async function demo(flags: DemoFlags, deps: DemoCliDeps, after: readonly number[] = AFTER): Promise<number> {
  const { stdout, stderr } = deps;
  const terminal = flags.json ? stderr : stdout;
  terminal.write('A fresh service, a small Internet and three stock clients, all on this machine.\n\n');
  const report = await reportOf(flags, deps, { terminal, after });
  if (report === 'stopped') {
    stderr.write('lethe: Stopped. Nothing is left of it.\n');
    return EXIT.failed;
  }
  if (flags.json) stdout.write(`${JSON.stringify(report)}\n`);
  else terminal.write(rememberedText(report.remembered) + closing(report));
  return report.ok ? EXIT.done : EXIT.failed;
}
