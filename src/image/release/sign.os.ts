// SPDX-License-Identifier: AGPL-3.0-or-later
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { signAuthenticode } from '../../bytes/formats/authenticode.ts';
import { type Guid } from '../../bytes/formats/efi.ts';
import { attachSignature, authenticodeSha256, type Pe, parsePe } from '../../bytes/formats/pe.ts';
import {
  derOf,
  type Keyring,
  printKeyring,
  secureBootVariables,
  signerCertificate,
} from '../../contracts/release/keyring.ts';
import {
  changesOf,
  isoName,
  notesOf,
  PUBLISHED,
  type PublishedPcrs,
  printPcrs,
  statementName,
} from '../../contracts/release/publication.ts';
import type { Believed, Builders } from '../../contracts/release/statement.ts';
import { run } from '../../host/processes/process.os.ts';
import type { Progress } from '../../host/terminal/terminal.ts';
import { predictPcrs } from '../../verify/attestation/prediction.ts';
import { parseLock } from '../build/lockfile.ts';
import type { BuildRecord } from '../build/record.ts';
import { fileDigest } from '../build/seal.os.ts';
import { wipe } from '../tokens/pin.os.ts';
import type { TokenKey } from '../tokens/token.os.ts';
import { WARNING } from '../tokens/token.ts';
import { OPERATOR_FILE, readRecord, readStatement } from './builders.os.ts';
import { bundledPackages } from './bundled.os.ts';
import { assertAgreement, assertHolds } from './compare.os.ts';
import { ReleaseRefused } from './refusal.ts';
import { billOfMaterials } from './sbom.ts';

/** Makes a bootable medium from a build directory and a unified kernel image (src/image/build/iso.os.ts). */
export type MakeIso = (buildDirectory: string, ukiFile: string, isoFile: string) => Promise<void>;

export interface SignOptions {
  /** Build directory. */
  readonly build: string;
  /** Two statements about it, by two builders. */
  readonly statements: readonly [string, string];
  readonly builders: Builders;
  readonly keyring: Keyring;
  readonly key: TokenKey;
  /** Asks for the PIN; called once, after everything else was found in order. `warning` is empty or a sentence. */
  readonly pin: (warning: string) => Promise<Uint8Array>;
  /** Directory of the release; must not exist. */
  readonly out: string;
  readonly repository: string;
  readonly makeIso: MakeIso;
  readonly progress: Progress;
  /** Signs also what others could not rebuild: changed sources, or the variant for tests. */
  readonly draft?: boolean;
  /** Tries the PIN also when one more wrong PIN locks the token. */
  readonly lastTry?: boolean;
}

/** Signs a build that two builders agree on, and makes everything that is published with it. All of it, or nothing. */
export async function signRelease(options: SignOptions): Promise<PublishedPcrs> {
  const { progress } = options;
  const out = resolve(options.out);
  if (existsSync(out)) throw new ReleaseRefused('release', `${out} is there already; a release is never overwritten`);
  const record = readRecord(options.build);
  assertReleasable(record, options.draft === true);
  const believed = await progress.stage('two builders agree on these bytes', () => agreement(options));
  const signature = await progress.stage('sign in the token', () => signInToken(options));
  const work = join(dirname(out), `.${basename(out)}.work`);
  try {
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work, { recursive: true });
    writeSigned(work, signature);
    await progress.stage('the firmware would accept it', () => assertAccepted(work, signature));
    const iso = join(work, isoName(record.version, record.variant));
    await progress.stage('make the medium', () => options.makeIso(options.build, join(work, PUBLISHED.signed), iso));
    const pcrs = await progress.stage('predict, list and describe', () =>
      describe(options, { work, record, believed, signature }),
    );
    renameSync(work, out);
    return pcrs;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function assertReleasable({ variant, commit }: BuildRecord, draft: boolean): void {
  if (draft) return;
  if (variant !== 'release')
    throw new ReleaseRefused('build', `this is the variant '${variant}', for tests; --draft signs it`);
  if (commit === undefined || commit.endsWith('-dirty'))
    throw new ReleaseRefused(
      'build',
      'it was built from changed sources, which nobody else can rebuild; --draft signs it',
    );
}

async function agreement(options: SignOptions): Promise<readonly [Believed, Believed]> {
  const [a, b] = options.statements;
  const believed = [readStatement(a, options.builders), readStatement(b, options.builders)] as const;
  assertAgreement(...believed);
  await assertHolds(options.build, believed[0]);
  return believed;
}

interface Signature {
  readonly unsigned: Pe;
  readonly pkcs7: Uint8Array;
  /** PEM: the one in `db` that belongs to the token's key. */
  readonly certificate: string;
}

async function signInToken(options: SignOptions): Promise<Signature> {
  const { key, keyring } = options;
  const state = await key.pinState();
  const certificate = signerCertificate(keyring, (await key.publicKey()).export({ type: 'spki', format: 'der' }));
  if (certificate === undefined)
    throw new ReleaseRefused('keyring', `the key ${key.place.key} in '${key.place.token}' is not in the keyring's db`);
  if (state === 'last' && options.lastTry !== true)
    throw new ReleaseRefused('last try', 'ONE TRY IS LEFT before the token locks; with --last-try it is used');
  const unsigned = parsePe(readFileSync(join(options.build, PUBLISHED.unsigned)));
  if ('problem' in unsigned) throw new ReleaseRefused('build', `${PUBLISHED.unsigned}: ${unsigned.problem}`);
  const pin = await options.pin(WARNING[state]);
  try {
    const hash = authenticodeSha256(unsigned);
    return { unsigned, certificate, pkcs7: await signAuthenticode(hash, derOf(certificate), key.signer(pin)) };
  } finally {
    wipe(pin);
  }
}

function writeSigned(work: string, { unsigned, pkcs7 }: Signature): void {
  writeFileSync(join(work, PUBLISHED.unsigned), unsigned.bytes);
  writeFileSync(join(work, PUBLISHED.signature), pkcs7);
  writeFileSync(join(work, PUBLISHED.signed), attachSignature(unsigned, pkcs7));
}

/** Another's eyes on our signature: sbverify does what the firmware does. */
async function assertAccepted(work: string, { certificate }: Signature): Promise<void> {
  const file = join(work, 'db.crt');
  writeFileSync(file, certificate);
  try {
    await run(['sbverify', '--cert', file, join(work, PUBLISHED.signed)]);
  } catch {
    throw new ReleaseRefused('signature', 'sbverify does not accept the signature: the token signed with another key');
  } finally {
    rmSync(file);
  }
}

async function describe(
  options: SignOptions,
  made: { work: string; record: BuildRecord; believed: readonly [Believed, Believed]; signature: Signature },
): Promise<PublishedPcrs> {
  const { work, record, believed, signature } = made;
  const write = (name: string, content: string) => writeFileSync(join(work, name), content);
  for (const name of [PUBLISHED.record, PUBLISHED.packagesLock, PUBLISHED.toolsLock])
    copyFileSync(join(options.build, name), join(work, name));
  const operator = join(options.build, OPERATOR_FILE);
  if (existsSync(operator)) copyFileSync(operator, join(work, OPERATOR_FILE));
  believed.forEach(({ builder }, index) => {
    copyFileSync(options.statements[index] as string, join(work, statementName(builder)));
  });
  write(PUBLISHED.keyring, printKeyring(options.keyring));
  const pcrs = publishedPcrs(record, signature.unsigned, options.keyring, signature.certificate);
  write(PUBLISHED.pcrs, printPcrs(pcrs));
  write(PUBLISHED.sbom, await sbomOf(options.build, record, options.repository));
  const iso = isoName(record.version, record.variant);
  const digest = await fileDigest(join(work, iso));
  const changes = changesOf(readFileSync(join(options.repository, 'CHANGELOG.md'), 'utf8'), record.version);
  const { version, commit } = record;
  write(PUBLISHED.notes, notesOf({ version, commit, iso, digest, pcrs, builders: believed, changes }));
  await writeSums(work);
  return pcrs;
}

/** What machines that trust this keyring show when they run this image. */
export function publishedPcrs(record: BuildRecord, image: Pe, keyring: Keyring, signer: string): PublishedPcrs {
  const trust = {
    variables: secureBootVariables(keyring),
    signer: { owner: keyring.owner as Guid, certificate: derOf(signer) },
  };
  const pcrs = predictPcrs(image, trust);
  return {
    version: record.version,
    variant: record.variant,
    authenticode: authenticodeSha256(image).toHex(),
    pcrs: { 4: pcrs[4].toHex(), 7: pcrs[7].toHex(), 9: pcrs[9].toHex(), 11: pcrs[11].toHex() },
  };
}

/** The bill of materials of a build: from its locks, and from the programs' bundled packages. */
export async function sbomOf(build: string, record: BuildRecord, repository: string): Promise<string> {
  const lock = (name: string) => parseLock(readFileSync(join(build, name), 'utf8'));
  return billOfMaterials({
    version: record.version,
    sourceDateEpoch: record.sourceDateEpoch,
    inputs: record.inputs,
    image: lock(PUBLISHED.packagesLock),
    tools: lock(PUBLISHED.toolsLock),
    bundled: await bundledPackages(repository),
  });
}

/** `sha256sum -c SHA256SUMS` checks a download. */
async function writeSums(directory: string): Promise<void> {
  const lines: string[] = [];
  for (const name of readdirSync(directory).toSorted())
    lines.push(`${await fileDigest(join(directory, name))}  ${name}\n`);
  writeFileSync(join(directory, PUBLISHED.sums), lines.join(''));
}
