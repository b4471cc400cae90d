// SPDX-License-Identifier: AGPL-3.0-or-later
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { formatOperator, type Operator } from '../../contracts/activation/operator.ts';
import { run } from '../../host/processes/process.os.ts';
import type { Progress } from '../../host/terminal/terminal.ts';
import { checkTree, dropSetuid } from './contents.os.ts';
import { EXECUTABLES, listExecutables } from './executables.os.ts';
import { fetchLocks, openCache } from './fetch.os.ts';
import { makeGeoip, unpackKernel, unpackNode } from './ingredients.os.ts';
import { makeInitrd } from './initrd.os.ts';
import { inputsDigest, sourceCommit } from './inputs.os.ts';
import { kernelOf, type Lock } from './lockfile.ts';
import { bundlePrograms, compilePrograms } from './programs.os.ts';
import { type Recipe, readNames, recipeOf, SOURCE_DATE_EPOCH } from './recipe.os.ts';
import { BUILD_RECORD, type BuildRecord, commandLine, OUTPUTS, type Variant } from './record.ts';
import { linkOrCopy, makeRepository } from './repository.os.ts';
import { compileProfiles, keepPrograms, lay, osRelease, placeModules, scrub, settle, write } from './root.os.ts';
import { fileDigest, packRoot, type Seal, sealRoot } from './seal.os.ts';
import type { Source } from './sources.ts';
import { type ImageState, imageState, readLock, workshopFor } from './state.os.ts';
import { makeUki } from './uki.os.ts';
import { CLOCK_HOOKS, clock, debootstrap, lockDigest, type Workshop } from './workshop.os.ts';

export interface BuildOptions {
  /** Build directory; replaced as a whole when the build is complete. */
  readonly out: string;
  readonly progress: Progress;
  readonly operator?: Operator;
  /** The directory of `packages.lock` and `tools.lock`; the recipe's own by default. */
  readonly locks?: string;
  readonly state?: ImageState;
  /** Fetches what the cache lacks from here. Without it, a build uses archived inputs alone and no network. */
  readonly sources?: readonly Source[];
  /** Starts from a tree of the locked packages that an earlier build kept. It saves time and changes no byte. */
  readonly keepTree?: boolean;
  /** Shifts the clock of everything that runs, in libfaketime's words: `+400d`. */
  readonly wrongClock?: string;
}

/** A build under way. */
interface Site {
  readonly options: BuildOptions;
  readonly recipe: Recipe;
  readonly state: ImageState;
  readonly locks: string;
  readonly lock: Lock;
  readonly release: string;
  /** Working directory, beside the build directory. */
  readonly work: string;
  readonly workshop: Workshop;
}

/** Builds the release image. Needs root. The same inputs give the same bytes on any machine. */
export async function buildImage(options: BuildOptions): Promise<BuildRecord> {
  const { progress } = options;
  return await onSite(options, async (site) => {
    const programs = join(site.work, 'programs');
    await progress.stage('bundle the programs', () => bundlePrograms(site.recipe, programs));
    await progress.stage('install the locked packages; unpack kernel and Node', () =>
      together(installPackages(site), unpackIngredients(site)),
    );
    await progress.stage('put kernel, programs and settings in place', () => furnish(site, programs));
    await progress.stage('look for what must not be there', async () =>
      checkTree(join(site.work, 'root'), site.recipe),
    );
    await progress.stage('pack the root image', () => packRoot(site.workshop));
    const seal = await progress.stage('seal it with a hash tree', () => sealRoot(site.workshop, site.work));
    return await finish(site, 'release', seal, inputs(site, programs));
  });
}

/** Makes the variant for tests from a finished build: the same root image, another initrd and command line. */
export async function buildProbe(from: string, options: BuildOptions): Promise<BuildRecord> {
  const built = readBuild(from);
  return await onSite({ ...options, locks: from }, async (site) => {
    linkOrCopy(join(from, 'root.img'), join(site.work, 'root.img'));
    await options.progress.stage('unpack the kernel, make the initrd', () => bootFiles(site, 'probe'));
    return await finish(site, 'probe', built, built.inputs);
  });
}

/** What needs no tree of packages. Installing them leaves one of two cores idle. */
async function unpackIngredients(site: Site): Promise<void> {
  const { options, state, lock, work } = site;
  await bootFiles(site, 'release');
  await unpackNode(lock, openCache(state.cache), work);
  makeGeoip(work, options.keepTree === true ? join(state.directory, 'geoip') : undefined);
}

async function bootFiles({ state, lock, recipe, release, work, workshop }: Site, variant: Variant): Promise<void> {
  await unpackKernel(lock, openCache(state.cache), workshop, work);
  await makeInitrd(workshop, work, release, recipe, variant);
}

/** Waits for all, also when one fails: the working directory is theirs until they are done. */
async function together(...works: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(works)) if (result.status === 'rejected') throw result.reason;
}

/** The record of a finished build. Throws when it is not one of ours. */
export function readBuild(directory: string): BuildRecord {
  return BUILD_RECORD.parse(JSON.parse(readFileSync(join(directory, 'build.json'), 'utf8')));
}

async function onSite<T>(options: BuildOptions, build: (site: Site) => Promise<T>): Promise<T> {
  const out = resolve(options.out);
  const work = join(dirname(out), `.${basename(out)}.work`);
  const umask = process.umask(0o022);
  try {
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work, { recursive: true });
    const recipe = recipeOf();
    const state = options.state ?? imageState();
    const locks = options.locks ?? recipe.directory;
    const lock = readLock(join(locks, 'packages.lock'));
    const { release } = kernelOf(lock);
    const workshop = await openSite(options, { recipe, state, locks, lock, work });
    const result = await build({ options, recipe, state, locks, lock, release, work, workshop });
    rmSync(out, { recursive: true, force: true });
    renameSync(join(work, 'out'), out);
    return result;
  } finally {
    rmSync(work, { recursive: true, force: true });
    process.umask(umask);
  }
}

async function openSite(
  { progress, sources, wrongClock }: BuildOptions,
  { recipe, state, locks, lock, work }: Pick<Site, 'recipe' | 'state' | 'locks' | 'lock' | 'work'>,
): Promise<Workshop> {
  const cache = openCache(state.cache);
  await progress.stage('verify the archived packages', () => fetchLocks([lock], cache, sources));
  const see = { recipe: recipe.directory, source: recipe.repository };
  return await progress.stage('open the chroot of locked tools', () =>
    workshopFor(state, join(locks, 'tools.lock'), { work, see, ...clock(wrongClock) }, sources),
  );
}

/** The tree of the locked packages at `root/`. Nothing is chosen here: the repository holds one version of each. */
async function installPackages(site: Site): Promise<void> {
  const { options, state, lock, work, workshop } = site;
  const kept = join(state.directory, 'trees', lockDigest(lock).slice(0, 32));
  if (options.keepTree === true && existsSync(kept)) {
    await run(['cp', '-a', kept, join(work, 'root')]);
    return;
  }
  await makeRepository(lock, openCache(state.cache), join(work, 'repository'));
  await debootstrap(workshop, lock, options.wrongClock === undefined ? [] : CLOCK_HOOKS);
  if (options.keepTree !== true) return;
  const unfinished = `${kept}.${process.pid}`;
  mkdirSync(dirname(kept), { recursive: true });
  await run(['cp', '-a', join(work, 'root'), unfinished]);
  if (existsSync(kept)) rmSync(unfinished, { recursive: true });
  else renameSync(unfinished, kept);
}

/** Makes of Debian's tree the gateway's: kernel, Node, programs, profiles, settings; and takes out what is not needed. */
async function furnish(site: Site, programs: string): Promise<void> {
  const { options, recipe, release, work, workshop } = site;
  const root = join(work, 'root');
  const lethe = join(root, 'usr/lib/lethe');
  scrub(root, recipe);
  keepPrograms(root, recipe);
  settle(root, recipe);
  await placeModules(workshop, work, release, recipe);
  write(join(root, 'usr/bin/node'), readFileSync(join(work, 'node')), 0o755);
  mkdirSync(lethe, { recursive: true });
  lay(programs, lethe);
  await compilePrograms(workshop, recipe, 'root/usr/lib/lethe');
  await compileProfiles(workshop, root, recipe);
  lay(join(work, 'geoip'), join(lethe, 'geoip'));
  lay(join(recipe.directory, 'files'), root);
  if (options.operator !== undefined) write(join(lethe, 'operator.json'), formatOperator(options.operator));
  dropSetuid(root);
  write(join(root, EXECUTABLES), listExecutables(root));
}

function inputs({ options, recipe, locks }: Site, programs: string): string {
  const operator = options.operator === undefined ? undefined : formatOperator(options.operator);
  return inputsDigest(recipe, locks, programs, operator);
}

/** A rebuild needs the operator's file as well. A probe's is that of the build it is made from. */
function keepOperator({ options, locks }: Site, variant: Variant, out: string): void {
  const kept = join(locks, 'operator.json');
  if (options.operator !== undefined) write(join(out, 'operator.json'), formatOperator(options.operator));
  else if (variant === 'probe' && existsSync(kept)) copyFileSync(kept, join(out, 'operator.json'));
}

/** Initrd, unified kernel image, and the record of it all; the build directory is complete afterwards. */
async function finish(site: Site, variant: Variant, seal: Seal, inputs: string): Promise<BuildRecord> {
  const { options, recipe, lock, locks, release, work, workshop } = site;
  const words = readNames(join(recipe.directory, 'cmdline', variant));
  writeFileSync(join(work, 'cmdline'), commandLine(words, seal.rootHash, seal.hashOffset));
  writeFileSync(join(work, 'os-release'), osRelease());
  writeFileSync(join(work, 'uname'), release);
  await options.progress.stage('join the unified kernel image', () => makeUki(workshop, work));
  const out = join(work, 'out');
  mkdirSync(out);
  for (const name of OUTPUTS) renameSync(join(work, name), join(out, name));
  for (const name of ['packages.lock', 'tools.lock']) copyFileSync(join(locks, name), join(out, name));
  keepOperator(site, variant, out);
  const { version } = JSON.parse(readFileSync(join(recipe.repository, 'package.json'), 'utf8')) as { version: string };
  const commit = await sourceCommit(recipe.repository);
  const record: BuildRecord = {
    version,
    variant,
    ...(commit === undefined ? {} : { commit }),
    inputs,
    packagesLock: await fileDigest(join(out, 'packages.lock')),
    toolsLock: await fileDigest(join(out, 'tools.lock')),
    node: lock.modules[0]?.integrity ?? '',
    kernel: release,
    rootHash: seal.rootHash,
    hashOffset: seal.hashOffset,
    sourceDateEpoch: SOURCE_DATE_EPOCH,
    outputs: await digests(out),
  };
  writeFileSync(join(out, 'build.json'), `${JSON.stringify(record, undefined, 2)}\n`);
  return record;
}

async function digests(out: string): Promise<BuildRecord['outputs']> {
  const found: Record<string, { size: number; sha256: string }> = {};
  for (const name of OUTPUTS) {
    const file = join(out, name);
    found[name] = { size: statSync(file).size, sha256: await fileDigest(file) };
  }
  return BUILD_RECORD.shape.outputs.parse(found);
}
