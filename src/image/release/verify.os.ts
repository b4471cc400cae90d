// SPDX-License-Identifier: AGPL-3.0-or-later
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attachSignature, type Pe, parsePe } from '../../bytes/formats/pe.ts';
import { type Keyring, parseKeyring } from '../../contracts/release/keyring.ts';
import {
  isoName,
  PUBLISHED,
  type PublishedPcrs,
  parsePcrs,
  statementName,
} from '../../contracts/release/publication.ts';
import type { Builders } from '../../contracts/release/statement.ts';
import { CommandError, run } from '../../host/processes/process.os.ts';
import type { BuildRecord } from '../build/record.ts';
import { fileDigest } from '../build/seal.os.ts';
import { readRecord, readStatement } from './builders.os.ts';
import { assertAgreement, differingParts, firstDifference } from './compare.os.ts';
import { ReleaseRefused } from './refusal.ts';
import { type MakeIso, publishedPcrs, sbomOf } from './sign.os.ts';

/** What a stranger checks, in this order. Everything but the first two steps compares with bytes of their own. */
export const STEPS = [
  'the download is whole',
  'two known builders agree',
  'the rebuilt image is the one that was signed',
  'with the published signature it is the signed image',
  'the certificate in the keyring made the signature',
  'the medium is the published one, byte for byte',
  'the predicted PCRs follow from it',
  'the bill of materials follows from the locks',
] as const;

export interface Step {
  readonly step: (typeof STEPS)[number];
  /** `skipped`: what it needs was not given, or an earlier step failed that it depends on. */
  readonly result: 'holds' | 'fails' | 'skipped';
  /** What differs, or was compared. */
  readonly detail: string;
}

export interface VerifyOptions {
  /** The published release. */
  readonly release: string;
  /** A build directory of the stranger's own. */
  readonly rebuild: string;
  /** Builders that the stranger knows; without them, statements are not judged. */
  readonly builders?: Builders;
  readonly repository: string;
  readonly makeIso: MakeIso;
  /** Is told each step as it ends. */
  readonly report: (step: Step) => void;
}

/** Checks a release against a rebuild. True when every step holds or was skipped for want of known builders. */
export async function verifyRelease(options: VerifyOptions): Promise<boolean> {
  const work = mkdtempSync(join(tmpdir(), 'lethe-verify-'));
  try {
    const record = readRecord(options.rebuild);
    const steps: readonly ((work: string) => Promise<string | undefined>)[] = [
      () => wholeDownload(options.release),
      () => agreeingBuilders(options),
      () => sameFile(options, PUBLISHED.unsigned),
      (directory) => signedImage(options, directory),
      (directory) => signatureOf(options, directory),
      (directory) => medium(options, record, directory),
      () => predictions(options),
      () => bill(options, record),
    ];
    let sound = true;
    for (const [index, check] of steps.entries()) {
      const step = await outcome(STEPS[index] as Step['step'], () => check(work));
      options.report(step);
      if (step.result === 'fails') sound = false;
    }
    return sound;
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** A check gives what it compared, or undefined when it could not be made, or refuses. */
async function outcome(step: Step['step'], check: () => Promise<string | undefined>): Promise<Step> {
  try {
    const detail = await check();
    return detail === undefined
      ? { step, result: 'skipped', detail: 'no file of known builders was given' }
      : { step, result: 'holds', detail };
  } catch (error) {
    if (!(error instanceof ReleaseRefused)) throw error;
    return { step, result: 'fails', detail: error.message };
  }
}

async function wholeDownload(release: string): Promise<string> {
  const lines = text(release, PUBLISHED.sums).trimEnd().split('\n');
  for (const line of lines) {
    const [, digest, name = ''] = /^([0-9a-f]{64}) {2}([A-Za-z][A-Za-z0-9.-]*)$/.exec(line) ?? [];
    if (digest === undefined) throw new ReleaseRefused('release', `${PUBLISHED.sums} is not a list of sums`);
    if (!existsSync(join(release, name))) throw new ReleaseRefused('release', `${name} is missing`);
    if ((await fileDigest(join(release, name))) !== digest) throw new ReleaseRefused('release', `${name} is damaged`);
  }
  return `${lines.length} files`;
}

async function agreeingBuilders({ release, rebuild, builders }: VerifyOptions): Promise<string | undefined> {
  if (builders === undefined) return undefined;
  const files = [...builders.keys()]
    .map((name) => join(release, statementName(name)))
    .filter((file) => existsSync(file));
  const [a, b] = files.map((file) => readStatement(file, builders));
  if (a === undefined || b === undefined)
    throw new ReleaseRefused('statement', 'there are not two statements by builders that you know');
  assertAgreement(a, b);
  const others: string[] = [];
  for (const { name, digest } of a.statement.subject) {
    const file = join(rebuild, name);
    if (!existsSync(file) || (await fileDigest(file)) !== digest.sha256) others.push(name);
  }
  if (others.length > 0)
    throw new ReleaseRefused(
      'different bytes',
      `your ${others.join(', ')} is not what ${a.builder} and ${b.builder} got`,
    );
  return `${a.builder} and ${b.builder}`;
}

async function sameFile({ release, rebuild }: VerifyOptions, name: string): Promise<string> {
  return assertSame(present(release, name), present(rebuild, name), name);
}

async function signedImage({ release, rebuild }: VerifyOptions, work: string): Promise<string> {
  const signed = join(work, PUBLISHED.signed);
  writeFileSync(signed, attachSignature(program(rebuild), readFileSync(present(release, PUBLISHED.signature))));
  return assertSame(present(release, PUBLISHED.signed), signed, PUBLISHED.signed);
}

async function signatureOf({ release }: VerifyOptions, work: string): Promise<string> {
  return `certificate ${(await signerOf(release, keyringOf(release), work)).number} of db`;
}

/** The first certificate in the keyring's db that sbverify accepts for the signed image. */
async function signerOf(
  release: string,
  keyring: Keyring,
  work: string,
): Promise<{ certificate: string; number: number }> {
  const file = join(work, 'db.crt');
  for (const [index, certificate] of keyring.db.entries()) {
    writeFileSync(file, certificate);
    try {
      await run(['sbverify', '--cert', file, present(release, PUBLISHED.signed)]);
      return { certificate, number: index + 1 };
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
    }
  }
  throw new ReleaseRefused('signature', 'no certificate in the keyring made this signature');
}

async function medium(options: VerifyOptions, record: BuildRecord, work: string): Promise<string> {
  const name = isoName(record.version, record.variant);
  const published = present(options.release, name);
  const mine = join(work, name);
  const uki = join(work, PUBLISHED.signed);
  if (!existsSync(uki)) copyFileSync(present(options.release, PUBLISHED.signed), uki);
  await options.makeIso(options.rebuild, uki, mine);
  const detail = await assertSame(published, mine, name);
  rmSync(mine);
  return detail;
}

/** What machines that trust this keyring show when they run a published release. */
export async function predictedPcrs(release: string, image: Pe, keyring: Keyring): Promise<PublishedPcrs> {
  const work = mkdtempSync(join(tmpdir(), 'lethe-verify-'));
  try {
    const { certificate } = await signerOf(release, keyring, work);
    return publishedPcrs(readRecord(release), image, keyring, certificate);
  } finally {
    rmSync(work, { recursive: true });
  }
}

async function predictions(options: VerifyOptions): Promise<string> {
  const published = parsePcrs(text(options.release, PUBLISHED.pcrs));
  if ('problem' in published) throw new ReleaseRefused('release', `${PUBLISHED.pcrs}: ${published.problem}`);
  const mine = await predictedPcrs(options.release, program(options.rebuild), keyringOf(options.release));
  for (const pcr of [4, 7, 9, 11] as const) {
    if (mine.pcrs[pcr] !== published.pcrs[pcr])
      throw new ReleaseRefused('release', `PCR ${pcr} would be ${mine.pcrs[pcr]}`);
  }
  if (JSON.stringify(mine) !== JSON.stringify(published))
    throw new ReleaseRefused('release', `${PUBLISHED.pcrs} speaks of another release`);
  return 'PCR 4, 7, 9, 11';
}

async function bill(options: VerifyOptions, record: BuildRecord): Promise<string> {
  if ((await sbomOf(options.rebuild, record, options.repository)) !== text(options.release, PUBLISHED.sbom))
    throw new ReleaseRefused('release', `${PUBLISHED.sbom} does not list what your locks name`);
  return PUBLISHED.sbom;
}

async function assertSame(published: string, mine: string, name: string): Promise<string> {
  const [theirs, own] = [await fileDigest(published), await fileDigest(mine)];
  if (theirs === own) return own;
  const offset = firstDifference(published, mine);
  throw new ReleaseRefused(
    'different bytes',
    `${name} differs from byte ${offset} on (${differingParts(published, mine, offset)})`,
  );
}

function present(directory: string, name: string): string {
  const file = join(directory, name);
  if (!existsSync(file)) throw new ReleaseRefused('release', `${file} is not there`);
  return file;
}

function text(directory: string, name: string): string {
  return readFileSync(present(directory, name), 'utf8');
}

/** The unsigned image of a build or a release. */
export function program(directory: string): Pe {
  const pe = parsePe(readFileSync(present(directory, PUBLISHED.unsigned)));
  if ('problem' in pe) throw new ReleaseRefused('build', `${PUBLISHED.unsigned}: ${pe.problem}`);
  return pe;
}

function keyringOf(release: string): Keyring {
  const keyring = parseKeyring(text(release, PUBLISHED.keyring));
  if ('problem' in keyring) throw new ReleaseRefused('keyring', `${PUBLISHED.keyring}: ${keyring.problem}`);
  return keyring;
}
