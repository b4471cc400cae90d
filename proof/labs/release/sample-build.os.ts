// SPDX-License-Identifier: AGPL-3.0-or-later
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../../src/host/processes/process.os.ts';
import { REPOSITORY, SOURCE_DATE_EPOCH } from '../../../src/image/build/recipe.os.ts';
import { type BuildRecord, OUTPUTS, type Variant } from '../../../src/image/build/record.ts';
import { fileDigest } from '../../../src/image/build/seal.os.ts';
import { placeSections, settlePe, trustedPe } from '../../../src/image/build/uki.ts';

/*
 * A build directory in miniature, for tests: a real unified kernel image around a few bytes, and the repository's locks.
 * What it would boot is nothing.
 */

const STUB = '/usr/lib/systemd/boot/efi/linuxx64.efi.stub';
const SECTIONS = {
  '.osrel': 'os-release',
  '.uname': 'uname',
  '.cmdline': 'cmdline',
  '.initrd': 'initrd.zst',
  '.linux': 'vmlinuz',
};
const HASH_OFFSET = 65_536;

export interface SampleOptions {
  readonly variant?: Variant;
  /** Hex; `null` for a build outside a git checkout. */
  readonly commit?: string | null;
  /** Contents that differ from the sample's own, by file name. */
  readonly contents?: Readonly<Record<string, string | Uint8Array>>;
}

export async function sampleBuild(directory: string, options: SampleOptions = {}): Promise<void> {
  const { variant = 'release', commit = '0123456789abcdef0123456789abcdef01234567', contents = {} } = options;
  mkdirSync(directory, { recursive: true });
  const inside: Record<string, string | Uint8Array> = {
    'root.img': new Uint8Array(HASH_OFFSET + 4096).fill(7),
    vmlinuz: 'a kernel, or so one hopes',
    'initrd.zst': new Uint8Array(9000).fill(3),
    cmdline: `quiet lethe.roothash=${'00'.repeat(32)} lethe.hashoffset=${HASH_OFFSET}`,
    'os-release': 'ID=lethe\n',
    uname: '6.1.0-0-cloud-amd64',
    ...contents,
  };
  for (const [name, content] of Object.entries(inside)) writeFileSync(join(directory, name), content);
  await joinUki(directory);
  for (const name of ['packages.lock', 'tools.lock'])
    copyFileSync(join(REPOSITORY, 'image', name), join(directory, name));
  const outputs: Record<string, { size: number; sha256: string }> = {};
  for (const name of OUTPUTS) {
    const file = join(directory, name);
    outputs[name] = { size: readFileSync(file).length, sha256: await fileDigest(file) };
  }
  const record = {
    version: '0.2.0',
    variant,
    ...(commit === null ? {} : { commit }),
    inputs: '11'.repeat(32),
    packagesLock: await fileDigest(join(directory, 'packages.lock')),
    toolsLock: await fileDigest(join(directory, 'tools.lock')),
    node: `sha512-${'A'.repeat(86)}==`,
    kernel: '6.1.0-0-cloud-amd64',
    rootHash: '00'.repeat(32),
    hashOffset: HASH_OFFSET,
    sourceDateEpoch: SOURCE_DATE_EPOCH,
    outputs: outputs as BuildRecord['outputs'],
  } satisfies BuildRecord;
  writeFileSync(join(directory, 'build.json'), JSON.stringify(record));
}

async function joinUki(directory: string): Promise<void> {
  const files = Object.entries(SECTIONS).map(([section, file]) => [section, join(directory, file)] as const);
  const sizes = files.map(([, file]) => readFileSync(file).length);
  const addresses = placeSections(trustedPe(readFileSync(STUB)), sizes);
  const words = files.flatMap(([section, file], index) => [
    '--add-section',
    `${section}=${file}`,
    '--change-section-vma',
    `${section}=${addresses[index]}`,
  ]);
  const raw = join(directory, 'uki.raw');
  await run(['objcopy', ...words, STUB, raw]);
  writeFileSync(join(directory, 'uki.efi'), settlePe(readFileSync(raw), SOURCE_DATE_EPOCH));
  rmSync(raw);
}

/** Stands in for the medium: what it is made of, one behind the other. */
export async function sampleIso(build: string, uki: string, iso: string): Promise<void> {
  writeFileSync(iso, Buffer.concat([readFileSync(join(build, 'root.img')), readFileSync(uki)]));
  await Promise.resolve();
}
