// SPDX-License-Identifier: AGPL-3.0-or-later
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { EXIT, type ExitCode } from '../host/terminal/exit.ts';
import { type Terminal, table } from '../host/terminal/terminal.ts';
import type { StatusPart, StatusReport } from './health.ts';
import { CannotStart } from './machine.os.ts';
import { findService, type PlaceFlags } from './remembered.os.ts';
import { askStatus } from './status.os.ts';

export interface StatusFlags extends PlaceFlags {
  readonly json?: boolean;
  readonly watch?: boolean;
}

export interface StatusDeps {
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  /** Resolves when the person wants to watch no longer. */
  readonly stopRequested: Promise<void>;
}

/** Milliseconds between two looks of `--watch`. */
const LOOK_EVERY = 2000;

/** Says how the service is, once or until it is enough. */
export async function status(flags: StatusFlags, deps: StatusDeps): Promise<ExitCode> {
  try {
    const { directory } = findService(flags, process.getuid?.());
    const stopped = deps.stopRequested.then(() => 'stopped' as const);
    let before = '';
    for (;;) {
      const report = await askStatus(directory);
      const text = flags.json === true ? json(report) : sentences(report, directory);
      if (text !== before) deps.stdout.write(before !== '' && deps.stdout.interactive ? `\x1b[H\x1b[J${text}` : text);
      before = text;
      const next = flags.watch === true ? await Promise.race([delay(LOOK_EVERY, 'look' as const), stopped]) : 'stopped';
      if (next === 'stopped') return codeOf(report);
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    deps.stderr.write(`lethe: ${error.message}\n`);
    return error instanceof CannotStart ? error.exit : EXIT.failed;
  }
}

function codeOf(report: StatusReport | undefined): ExitCode {
  if (report === undefined) return EXIT.notRunning;
  return report.service === 'serving' ? EXIT.done : EXIT.attention;
}

function json(report: StatusReport | undefined): string {
  return `${JSON.stringify(report ?? { service: 'stopped' })}\n`;
}

const SERVICE: Readonly<Record<string, string>> = {
  starting: 'starts',
  serving: 'serves',
  attention: 'serves, and a part of it needs attention',
  stopping: 'stops',
};

/** States of a part, as words with a shape. */
const SHAPES: Readonly<Record<string, string>> = {
  serving: '●',
  reporting: '●',
  in_force: '●',
  valid: '●',
  moving: '●',
  restarted: '◐',
  filling: '◐',
  ending: '◐',
  control_lost: '◐',
};

function sentences(report: StatusReport | undefined, directory: string): string {
  if (report === undefined) return notRunning(directory);
  const rows = report.parts.map((part) => [
    `  ${SHAPES[part.state] ?? '✕'} ${part.part}`,
    part.state.replaceAll('_', ' '),
    detail(part),
  ]);
  return `Lethe ${report.release} ${SERVICE[report.service] ?? report.service}.\n\n${table(rows)}`;
}

function notRunning(directory: string): string {
  if (!existsSync(directory)) return `There is no service with its data in ${directory}.\n`;
  return `The service with the data in ${directory} does not run. './lethe up' starts it, with the same --data or --config.\n`;
}

/** What else there is to say of a part. */
function detail({ part: _part, state: _state, ...more }: StatusPart): string {
  const said = Object.entries(more).filter(([, value]) => value !== 0 && value !== 'none');
  return said.map(([name, value]) => `${name.replaceAll('_', ' ')} ${value}`).join(', ');
}
