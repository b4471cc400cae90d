// SPDX-License-Identifier: AGPL-3.0-or-later
import { z } from 'zod';

export type Variant = 'release' | 'probe';

/** Files of a build directory that other builders must come to as well, byte for byte. */
export const OUTPUTS = ['root.img', 'vmlinuz', 'initrd.zst', 'cmdline', 'os-release', 'uname', 'uki.efi'] as const;

const hex256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits');
const output = z.strictObject({ size: z.int().nonnegative(), sha256: hex256 });

/** `build.json`: what was made, from what. Nothing in it says where or when. */
export const BUILD_RECORD = z.strictObject({
  /** Version of the software, from package.json. */
  version: z.string().max(64),
  variant: z.enum(['release', 'probe']),
  /** Commit of the source, in hex; absent outside a git checkout, with `-dirty` after it when files were changed. */
  commit: z
    .string()
    .regex(/^[0-9a-f]{40}(-dirty)?$/, 'must be a commit')
    .optional(),
  /** SHA-256 over everything that the build read: locks, recipe, programs, operator's file. */
  inputs: hex256,
  packagesLock: hex256,
  toolsLock: hex256,
  /** npm integrity of the Node inside. */
  node: z.string().max(120),
  kernel: z.string().max(64),
  rootHash: hex256,
  hashOffset: z.int().positive(),
  /** Seconds since 1970: every time stamp in the image. */
  sourceDateEpoch: z.int().positive(),
  outputs: z.strictObject({
    'root.img': output,
    vmlinuz: output,
    'initrd.zst': output,
    cmdline: output,
    'os-release': output,
    uname: output,
    'uki.efi': output,
  }),
});

export type BuildRecord = z.infer<typeof BUILD_RECORD>;

/** The kernel command line of a build: the recipe's words, and where the root image's hash tree is. */
export function commandLine(words: readonly string[], rootHash: string, hashOffset: number): string {
  return [...words, `lethe.roothash=${rootHash}`, `lethe.hashoffset=${hashOffset}`].join(' ');
}
