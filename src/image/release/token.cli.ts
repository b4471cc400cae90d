// SPDX-License-Identifier: AGPL-3.0-or-later
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../core/clock/clock.ts';
import type { Random } from '../../core/random/random.ts';
import { EXIT, type ExitCode } from '../../host/terminal/exit.ts';
import type { Terminal } from '../../host/terminal/terminal.ts';
import { hasSwap, type Keyboard, PinError, type PinSource, readPin, wipe } from '../tokens/pin.os.ts';
import { compileToken, TokenKey } from '../tokens/token.os.ts';
import { parseKeyUri, TokenError, WARNING } from '../tokens/token.ts';
import { ReleaseRefused } from './refusal.ts';

export interface ReleaseDeps {
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  readonly clock: Clock;
  readonly random: Random;
  readonly keyboard: Keyboard;
  /** The environment of the program; SOFTHSM2_CONF alone is passed to the token's library. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface TokenFlags {
  readonly key: string;
  readonly module: string;
  readonly pinFile?: string;
  readonly pinFd?: string;
}

/** Gives the key that the words name, as long as `work` goes on. */
export async function withToken<T>(
  flags: TokenFlags,
  deps: ReleaseDeps,
  work: (key: TokenKey) => Promise<T>,
): Promise<T> {
  const place = parseKeyUri(flags.key);
  if (place === undefined)
    throw new ReleaseRefused(
      'command line',
      "--key must be 'pkcs11:token=LABEL;object=NAME' or 'pkcs11:token=LABEL;id=%02', without a PIN",
    );
  const directory = mkdtempSync(join(tmpdir(), 'lethe-token-'));
  try {
    const { SOFTHSM2_CONF } = deps.environment;
    const environment = SOFTHSM2_CONF === undefined ? {} : { SOFTHSM2_CONF };
    const program = await compileToken(directory);
    return await work(new TokenKey({ program, module: flags.module, environment }, place));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Asks for the PIN once, makes the key when that is wished, and wipes the PIN afterwards. */
export async function withKey<T>(
  flags: TokenFlags & { readonly generate?: string },
  deps: ReleaseDeps,
  work: (key: TokenKey, pin: Uint8Array) => Promise<T>,
): Promise<T> {
  return await withToken(flags, deps, async (key) => {
    const pin = await pinOf(flags, deps, WARNING[await key.pinState()]);
    try {
      if (flags.generate !== undefined) await key.generate(pin, flags.generate, 2048);
      return await work(key, pin);
    } finally {
      wipe(pin);
    }
  });
}

/** The PIN, after what has to be known before it is tried. */
export async function pinOf(flags: TokenFlags, deps: ReleaseDeps, warning: string): Promise<Uint8Array> {
  if (warning !== '') deps.stderr.write(`\n${warning.replace(/^\. /, '')}.\n`);
  if (hasSwap()) deps.stderr.write('\nThis machine has swap; what is in memory may reach a disk.\n');
  const source: PinSource =
    flags.pinFile !== undefined
      ? { kind: 'file', path: flags.pinFile }
      : flags.pinFd !== undefined
        ? { kind: 'descriptor', descriptor: Number(flags.pinFd) }
        : { kind: 'terminal' };
  return await readPin(source, { keyboard: deps.keyboard, write: (text) => deps.stderr.write(text) }, 'PIN: ');
}

/** Gives the exit code. What a person has to know is one sentence; the rest is a broken promise, and says so. */
export async function told(deps: ReleaseDeps, work: () => Promise<ExitCode | undefined | void>): Promise<ExitCode> {
  try {
    return (await work()) ?? EXIT.done;
  } catch (error) {
    const expected = [ReleaseRefused, TokenError, PinError].some((kind) => error instanceof kind);
    if (!(error instanceof Error)) throw error;
    deps.stderr.write(`lethe: ${expected ? error.message : `It failed: ${error.message}`}\n`);
    return error instanceof ReleaseRefused && error.code === 'command line' ? EXIT.usage : EXIT.failed;
  }
}
