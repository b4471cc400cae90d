// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Operator } from '../../src/contracts/activation/operator.ts';
import { run } from '../../src/host/processes/process.os.ts';
import { Progress } from '../../src/host/terminal/terminal.ts';
import { buildImage } from '../../src/image/build/build.os.ts';
import { openCache } from '../../src/image/build/fetch.os.ts';
import { makeRepository } from '../../src/image/build/repository.os.ts';
import { packRoot } from '../../src/image/build/seal.os.ts';
import { imageState, readLock, workshopFor } from '../../src/image/build/state.os.ts';
import { debootstrap } from '../../src/image/build/workshop.os.ts';
import type { BenchContext } from './bench.ts';

export interface BuildWish {
  readonly out: string;
  readonly locks: string;
  readonly operator: Operator;
  /** Starts from a kept tree of the locked packages, which leaves nothing to compare with. */
  readonly keepTree: boolean;
}

/** Seconds of a build from packages that are all in the cache, with the chroot of tools in place. */
export async function secondsToBuild({ clock }: BenchContext, wish: BuildWish): Promise<number> {
  const began = clock.elapsed();
  await buildImage({ ...wish, progress: new Progress({ write: () => undefined, interactive: false }, clock) });
  return (clock.elapsed() - began) / 1000;
}

/** What anybody needs who makes such an image: mmdebstrap and mksquashfs. */
export interface BareSteps {
  /** Seconds; zero when nothing was installed. */
  readonly install: number;
  readonly pack: number;
  /** Megabytes of the installed tree, each file at its length. */
  readonly tree: number;
}

/**
 * Runs the two steps alone, one after the other, with a build's tools, inputs and options: mmdebstrap over the locked
 * packages, mksquashfs over the tree that the build had packed. The second must come to the build's own bytes.
 */
export async function bareSteps(
  { clock }: BenchContext,
  build: string,
  options: { readonly install: boolean },
): Promise<BareSteps> {
  const state = imageState();
  const work = mkdtempSync(join(build, '../bare-'));
  const seconds = async (step: () => Promise<unknown>): Promise<number> => {
    const began = clock.elapsed();
    await step();
    return (clock.elapsed() - began) / 1000;
  };
  try {
    const workshop = await workshopFor(state, join(build, 'tools.lock'), { work, see: { source: build } });
    const lock = readLock(join(build, 'packages.lock'));
    let install = 0;
    if (options.install) {
      await makeRepository(lock, openCache(state.cache), join(work, 'repository'));
      install = await seconds(() => debootstrap(workshop, lock));
      rmSync(join(work, 'root'), { recursive: true });
    }
    mkdirSync(join(work, 'root'));
    await workshop.run(['unsquashfs', '-quiet', '-no-progress', '-force', '-dest', 'root', '/lethe/source/root.img']);
    const pack = await seconds(() => packRoot(workshop));
    assertSameBeginning(join(work, 'root.img'), join(build, 'root.img'));
    const [bytes] = (await run(['du', '--summarize', '--bytes', join(work, 'root')])).split('\t').map(Number);
    return { install, pack, tree: (bytes as number) / 1e6 };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The build's file goes on with its hash tree. */
function assertSameBeginning(part: string, whole: string): void {
  const bytes = readFileSync(part);
  const same = bytes.equals(readFileSync(whole).subarray(0, bytes.length));
  assert.ok(same, 'mksquashfs alone made another image than the build');
}
