// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHash } from 'node:crypto';
import { createReadStream, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { SOURCE_DATE_EPOCH } from './recipe.os.ts';
import type { Workshop } from './workshop.os.ts';

/** What the kernel command line says about the root image. */
export interface Seal {
  /** Root of the dm-verity hash tree, in hex. */
  readonly rootHash: string;
  /** Where the hash tree begins: the length of the squashfs, rounded up to 4096 bytes. */
  readonly hashOffset: number;
}

const BLOCK = 4096;
const UUID = '00000000-0000-4000-8000-000000000000';

/** Packs the tree `root/` of the working directory into `root.img`. */
export async function packRoot(workshop: Workshop): Promise<void> {
  const times = ['-mkfs-time', String(SOURCE_DATE_EPOCH), '-all-time', String(SOURCE_DATE_EPOCH)];
  const format = ['-comp', 'zstd', '-Xcompression-level', '9', '-b', '256K', '-no-xattrs', '-no-exports'];
  // It refuses its time options beside the variable.
  const squash = ['env', '-u', 'SOURCE_DATE_EPOCH', 'mksquashfs', 'root', 'root.img', '-noappend', '-no-progress'];
  await workshop.run([...squash, ...format, ...times]);
}

/** Appends the hash tree of dm-verity; salt and UUID, which are chance elsewhere, follow from the image. */
export async function sealRoot(workshop: Workshop, work: string): Promise<Seal> {
  const image = join(work, 'root.img');
  const hashOffset = Math.ceil(statSync(image).size / BLOCK) * BLOCK;
  truncateSync(image, hashOffset);
  const salt = await fileDigest(image);
  const said = await workshop.run([
    'veritysetup',
    'format',
    `--salt=${salt}`,
    `--uuid=${UUID}`,
    `--hash-offset=${hashOffset}`,
    'root.img',
    'root.img',
  ]);
  const rootHash = /Root hash:\s+([0-9a-f]{64})/.exec(said)?.[1];
  if (rootHash === undefined) throw new Error('veritysetup gave no root hash');
  return { rootHash, hashOffset };
}

/** SHA-256 of a file, in hex. */
export async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}
