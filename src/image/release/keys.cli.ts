// SPDX-License-Identifier: AGPL-3.0-or-later
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { authenticodeSha256, parsePe } from '../../bytes/formats/pe.ts';
import { fingerprint, type Keyring } from '../../contracts/release/keyring.ts';
import { PUBLISHED, parsePcrs } from '../../contracts/release/publication.ts';
import type { ExitCode } from '../../host/terminal/exit.ts';
import { table } from '../../host/terminal/terminal.ts';
import { addSigner, createKeyring, replaceKey, retireSigner, revokeHash } from './ceremony.os.ts';
import { ReleaseRefused } from './refusal.ts';
import { type ReleaseDeps, type TokenFlags, told, withKey } from './token.cli.ts';

export interface KeyFlags extends TokenFlags {
  readonly operator: string;
  readonly generate?: string;
}

export async function createKeys(directory: string, flags: KeyFlags, deps: ReleaseDeps): Promise<ExitCode> {
  return await told(deps, async () => {
    const keyring = await withKey(flags, deps, (key, pin) => createKeyring(deps, directory, flags.operator, key, pin));
    deps.stdout.write(keyringText(directory, keyring));
  });
}

export async function addKey(directory: string, flags: KeyFlags, deps: ReleaseDeps): Promise<ExitCode> {
  return await told(deps, async () => {
    const keyring = await withKey(flags, deps, (key, pin) => addSigner(deps, directory, flags.operator, key, pin));
    deps.stdout.write(keyringText(directory, keyring));
  });
}

export async function retireKey(directory: string, which: string, deps: ReleaseDeps): Promise<ExitCode> {
  return await told(deps, async () => {
    deps.stdout.write(keyringText(directory, await retireSigner(deps, directory, which)));
  });
}

export async function replace(
  directory: string,
  name: string,
  flags: { operator: string },
  deps: ReleaseDeps,
): Promise<ExitCode> {
  return await told(deps, async () => {
    if (name !== 'PK' && name !== 'KEK') throw new ReleaseRefused('command line', `'${name}' is neither PK nor KEK`);
    deps.stdout.write(keyringText(directory, await replaceKey(deps, directory, name, flags.operator)));
  });
}

export async function revoke(program: string, flags: { keys: string }, deps: ReleaseDeps): Promise<ExitCode> {
  return await told(deps, async () => {
    const hash = hashOf(program);
    const keyring = await revokeHash(deps, flags.keys, hash);
    deps.stdout.write(`${hash} boots no more where this keyring is enrolled.\n\n${keyringText(flags.keys, keyring)}`);
  });
}

/** An Authenticode hash: as it is, of a program, or of a published release. */
function hashOf(program: string): string {
  if (/^[0-9a-f]{64}$/.test(program)) return program;
  if (!existsSync(program))
    throw new ReleaseRefused('command line', `${program} is neither a file nor a SHA-256 in hex`);
  if (statSync(program).isDirectory()) {
    const pcrs = parsePcrs(readFileSync(join(program, PUBLISHED.pcrs), 'utf8'));
    if ('problem' in pcrs) throw new ReleaseRefused('release', `${PUBLISHED.pcrs}: ${pcrs.problem}`);
    return pcrs.authenticode;
  }
  const pe = parsePe(readFileSync(program));
  if ('problem' in pe) throw new ReleaseRefused('release', `${program}: ${pe.problem}`);
  return authenticodeSha256(pe).toHex();
}

function keyringText(directory: string, keyring: Keyring): string {
  const rows = [
    ['  owner', keyring.owner],
    ['  PK', fingerprint(keyring.PK)],
    ['  KEK', fingerprint(keyring.KEK)],
    ...keyring.db.map((certificate) => ['  db', fingerprint(certificate)]),
    ...keyring.revoked.map((hash) => ['  dbx', hash]),
  ];
  return `${table(rows)}\n${join(directory, 'enrol')} holds what machines are given.\n`;
}
