// SPDX-License-Identifier: AGPL-3.0-or-later
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AccountAnswer, AccountRefusal, AccountVerb } from '../control/program/account.cli.ts';
import { spawnChild } from '../host/processes/process.os.ts';
import { EXIT, type ExitCode } from '../host/terminal/exit.ts';
import type { Terminal } from '../host/terminal/terminal.ts';
import { CannotStart } from './machine.os.ts';
import { findService, type PlaceFlags } from './remembered.os.ts';
import { askStatus, tellChanged } from './status.os.ts';

export interface AccountFlags extends PlaceFlags {
  readonly json?: boolean;
  /** For `extend`. */
  readonly days?: string;
  /** For `close`, which cannot be taken back. */
  readonly yes?: boolean;
}

export interface AccountDeps {
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  /** Gives the account number. It is never an argument, which other users and the shell's history would keep. */
  readonly keyboard: AsyncIterable<unknown>;
}

const CONTROL = fileURLToPath(new URL('../../cmd/control.ts', import.meta.url));
/** Characters of what may be typed. */
const LONGEST = 4096;

/** Shows, extends or closes the account whose number is on standard input. */
export async function account(verb: AccountVerb, flags: AccountFlags, deps: AccountDeps): Promise<ExitCode> {
  try {
    return await ask(verb, flags, deps);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    deps.stderr.write(`lethe: ${error.message}\n`);
    return error instanceof CannotStart ? error.exit : EXIT.failed;
  }
}

async function ask(verb: AccountVerb, flags: AccountFlags, deps: AccountDeps): Promise<ExitCode> {
  const days = daysOf(verb, flags);
  if (verb === 'close' && flags.yes !== true) {
    const what = 'Closing deletes the account, what is left of its licence, its passwords and its devices, for good.';
    throw new CannotStart(`${what} Say --yes to do it.`, EXIT.unconfirmed);
  }
  const { directory } = findService(flags, process.getuid?.());
  if ((await askStatus(directory)) === undefined)
    throw new CannotStart(`The service with the data in ${directory} does not run.`, EXIT.notRunning);
  if (deps.stderr.interactive) deps.stderr.write('Account number: ');
  const answer = await askControl(directory, verb, days, await firstLine(deps.keyboard));
  if (typeof answer === 'string')
    throw new CannotStart(REFUSED[answer], answer === 'unknown' ? EXIT.failed : EXIT.usage);
  if (verb !== 'show') await tellChanged(directory);
  deps.stdout.write(flags.json === true ? `${JSON.stringify(answer)}\n` : sentences(answer));
  return EXIT.done;
}

function daysOf(verb: AccountVerb, { days = '' }: AccountFlags): number {
  if (verb !== 'extend') return 0;
  if (/^[1-9]\d{0,3}$/.test(days)) return Number(days);
  throw new CannotStart('--days: write how many days to add, 1 to 3660.', EXIT.usage);
}

const REFUSED: Readonly<Record<AccountRefusal, string>> = {
  malformed: 'That is not an account number. It has 20 letters and digits.',
  mistyped: 'That account number has a mistake in it: its check characters do not fit.',
  unknown: 'There is no account with that number.',
  days: 'A licence may end at most 3660 days from today.',
};

async function firstLine(keyboard: AsyncIterable<unknown>): Promise<string> {
  let text = '';
  for await (const piece of keyboard) {
    text += String(piece);
    if (text.includes('\n') || text.length > LONGEST) break;
  }
  return text.split('\n')[0] ?? '';
}

async function askControl(
  directory: string,
  verb: AccountVerb,
  days: number,
  typed: string,
): Promise<AccountAnswer | AccountRefusal> {
  const config = join(directory, 'control', 'control.json');
  const argv = [process.execPath, CONTROL, '--config', config, '--account', verb, '--days', String(days)];
  const child = spawnChild(argv, { stdin: typed });
  const { code } = await child.exited;
  if (code !== 0) throw new Error(child.output().trim());
  return (JSON.parse(child.output()) as { readonly answer: AccountAnswer | AccountRefusal }).answer;
}

function sentences({ state, expires_on: day, seats, trial, devices }: AccountAnswer): string {
  if (state === 'closed')
    return 'The account is closed, and forgotten. Who is connected with it is sent away within a minute.\n';
  const until = `${trial ? 'Trial' : 'Paid'} until ${day}${state === 'ended' ? ', which has passed' : ''}.`;
  return `${until} ${seats} connections at once, ${devices} WireGuard keys.\n`;
}
