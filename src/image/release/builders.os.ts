// SPDX-License-Identifier: AGPL-3.0-or-later
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type Believed,
  BUILDER_NAME,
  type Builders,
  believe,
  type Digests,
  digestsOf,
  makeStatement,
  parseBuilders,
  signStatement,
} from '../../contracts/release/statement.ts';
import { parseConfiguration } from '../../core/configuration/configuration.ts';
import { BUILD_RECORD, type BuildRecord, OUTPUTS } from '../build/record.ts';
import { fileDigest } from '../build/seal.os.ts';
import { ReleaseRefused } from './refusal.ts';

/** The file in a build directory that its builder signed. */
export const STATEMENT_FILE = 'statement.json';

/** Files that a statement speaks of; an image for one operator also holds that operator's file. */
const SUBJECTS = [...OUTPUTS, 'build.json', 'packages.lock', 'tools.lock'];
export const OPERATOR_FILE = 'operator.json';

/** The builder's key; made, mode 0600, when it is not there yet. */
export function builderKey(file: string): KeyObject {
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const { privateKey } = generateKeyPairSync('ed25519');
    writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' });
  }
  const key = createPrivateKey(readFileSync(file));
  if (key.asymmetricKeyType !== 'ed25519') throw new ReleaseRefused('builders', `${file} is not an Ed25519 key`);
  return key;
}

/** Signs the content of a build directory as the work of a builder, and writes that beside it. */
export async function writeStatement(directory: string, builder: string, key: KeyObject): Promise<void> {
  if (!BUILDER_NAME.safeParse(builder).success)
    throw new ReleaseRefused(
      'builders',
      `'${builder}' cannot be a builder's name; it has lower-case letters, digits and '-'`,
    );
  const subjects = existsSync(join(directory, OPERATOR_FILE)) ? [...SUBJECTS, OPERATOR_FILE] : SUBJECTS;
  const statement = makeStatement(builder, readRecord(directory), await hashFiles(directory, subjects));
  writeFileSync(join(directory, STATEMENT_FILE), signStatement(statement, key));
}

/** What the build tells of itself. */
export function readRecord(directory: string): BuildRecord {
  const file = join(directory, 'build.json');
  if (!existsSync(file))
    throw new ReleaseRefused('build', `${directory} holds no finished build: ${file} is not there`);
  const record = parseConfiguration(BUILD_RECORD, readFileSync(file, 'utf8'));
  if ('problem' in record) throw new ReleaseRefused('build', `${file}: ${record.problem}`);
  return record;
}

/** The builders whose word counts. */
export function readBuilders(file: string): Builders {
  if (!existsSync(file))
    throw new ReleaseRefused('builders', `${file} is not there: nobody is known whose word would count`);
  const builders = parseBuilders(readFileSync(file, 'utf8'));
  if ('problem' in builders) throw new ReleaseRefused('builders', `${file}: ${builders.problem}`);
  return builders;
}

/** Reads a statement and refuses it unless a known builder signed it. */
export function readStatement(file: string, builders: Builders): Believed {
  if (!existsSync(file)) throw new ReleaseRefused('statement', `${file} is not there: nobody has signed this build`);
  const read = believe(readFileSync(file, 'utf8'), builders);
  if ('problem' in read) throw new ReleaseRefused('statement', `${file}: ${read.problem}`);
  return read;
}

/** What a directory really holds of the files that a statement names. Refuses a file that is missing. */
export function hashSubjects(directory: string, statement: Believed['statement']): Promise<Digests> {
  return hashFiles(directory, Object.keys(digestsOf(statement)));
}

async function hashFiles(directory: string, names: readonly string[]): Promise<Digests> {
  const digests: Record<string, string> = {};
  for (const name of names) {
    const file = join(directory, name);
    if (!existsSync(file)) throw new ReleaseRefused('build', `${file} is not there`);
    digests[name] = await fileDigest(file);
  }
  return digests;
}
