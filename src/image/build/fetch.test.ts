// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { despiteDrift, forgetUnused } from '../../../proof/labs/image/built-image.os.ts';
import { type Cache, FetchError, fetchLocks, openCache } from './fetch.os.ts';
import type { Lock, LockedModule, LockedPackage } from './lockfile.ts';
import type { Source } from './sources.ts';

/** An archive and a package registry on loopback. */
let server: Server;
let base: string;
let directory: string;
let cache: Cache;
const served = new Map<string, string | Buffer>();

before(async () => {
  server = createServer((request, response) => {
    const content = served.get(request.url ?? '');
    response.writeHead(content === undefined ? 404 : 200).end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  process.env['npm_config_registry'] = base;
});

after(() => {
  delete process.env['npm_config_registry'];
  server.close();
});

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lethe-fetch-'));
  cache = openCache(join(directory, 'cache'));
});

afterEach(() => {
  served.clear();
  rmSync(directory, { recursive: true, force: true });
});

function source(): readonly Source[] {
  return [{ archive: 'debian', uri: `${base}/debian`, suite: 'bookworm' }];
}

/** A package that the archive has; its path is as odd as they come. */
function offer(name: string, content = `content of ${name}`): LockedPackage {
  const path = `debian/pool/main/${name}_1%2b1_all.deb`;
  served.set(`/${path}`, content);
  const sha256 = createHash('sha256').update(content).digest('hex');
  return { name, version: '1+1', architecture: 'all', size: content.length, sha256, path };
}

function lock(packages: readonly LockedPackage[], modules: readonly LockedModule[] = []): Lock {
  return { packages, modules };
}

async function refused(work: Promise<void>, code: FetchError['code'], said: RegExp): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof FetchError);
    assert.equal(error.code, code);
    assert.match(error.message, said);
    return true;
  });
}

test('fills the cache by content, and afterwards needs no archive', async () => {
  const [a, b] = [offer('a'), offer('b')];
  await fetchLocks([lock([a]), lock([a, b])], cache, source());
  assert.equal(readFileSync(cache.pathOf(a), 'utf8'), 'content of a');
  assert.deepEqual(readdirSync(cache.directory).toSorted(), [`${a.sha256}.deb`, `${b.sha256}.deb`].toSorted());
  served.clear();
  await fetchLocks([lock([a, b])], cache);
});

test('a version that the archive dropped is drift, and is named; the others arrive all the same', async () => {
  const [a, b] = [offer('kept'), offer('dropped')];
  served.delete(`/${b.path}`);
  await refused(fetchLocks([lock([a, b])], cache, source()), 'drift', /^drift: .* no longer has dropped 1\+1\. /);
  await fetchLocks([lock([a])], cache);
});

test('a file that is not what the lock names never enters the cache', async () => {
  const a = offer('swapped');
  served.set(`/${a.path}`, 'another content!!!'.slice(0, a.size));
  await refused(fetchLocks([lock([a])], cache, source()), 'unreachable', /did not give: swapped 1\+1/);
  assert.deepEqual(readdirSync(cache.directory), []);
});

test('every file is verified every time', async () => {
  const [a, b] = [offer('a'), offer('b')];
  await fetchLocks([lock([a, b])], cache, source());
  writeFileSync(cache.pathOf(b), 'content of B');
  await refused(
    fetchLocks([lock([a, b])], cache, source()),
    'damaged',
    /^b 1\+1 in the cache is not what the lock names/,
  );
});

test('without a network, a missing file is named', async () => {
  await refused(fetchLocks([lock([offer('a')])], cache), 'missing', /^a 1\+1 is not among the archived inputs/);
  const elsewhere: Source[] = [{ archive: 'debian', uri: 'http://127.0.0.1:9/debian', suite: 'bookworm' }];
  await refused(fetchLocks([lock([offer('a')])], cache, elsewhere), 'unreachable', /did not give: a 1\+1/);
  const secure = { ...offer('a'), path: 'debian-security/pool/a.deb' };
  await refused(fetchLocks([lock([secure])], cache, source()), 'unreachable', /no apt source for debian-security/);
});

test('tests go on with a fresh lock after drift, and after nothing else', async () => {
  const asked: string[] = [];
  const failing = (code: FetchError['code']) => async (directory: string) => {
    asked.push(directory);
    if (directory === 'ours') throw new FetchError(code, 'why');
  };
  const again = async (why: string) => `fresh because ${why}`;
  assert.equal(await despiteDrift('ours', failing('drift'), again), 'fresh because why');
  assert.equal(await despiteDrift('other', failing('drift'), again), 'other');
  await assert.rejects(despiteDrift('ours', failing('unreachable'), again), FetchError);
  assert.deepEqual(asked, ['ours', 'fresh because why', 'other', 'ours']);
});

test('images that no test has used for a day are forgotten', () => {
  const now = Date.parse('2030-01-02T00:00:00Z');
  const [old, fresh, used] = ['old', 'fresh', 'used'].map((name) => join(directory, 'built', name)) as [
    string,
    string,
    string,
  ];
  for (const path of [old, fresh, used]) mkdirSync(path, { recursive: true });
  utimesSync(old, 0, now / 1000 - 90_000);
  utimesSync(used, 0, 0);
  utimesSync(fresh, 0, now / 1000 - 80_000);
  forgetUnused(join(directory, 'built'), [used], now);
  assert.deepEqual(readdirSync(join(directory, 'built')).toSorted(), ['fresh', 'used']);
});

/** What npm asks a registry for: the versions of a package, then the file of one. */
function publish(name: string, file: Buffer): LockedModule {
  const integrity = `sha512-${createHash('sha512').update(file).digest('base64')}`;
  const dist = { tarball: `${base}/file.tgz`, integrity };
  const version = '1.2.3';
  const described = { name, 'dist-tags': { latest: version }, versions: { [version]: { name, version, dist } } };
  served.set(`/${name}`, JSON.stringify(described));
  served.set('/file.tgz', file);
  return { name, version, integrity };
}

test('an npm package is fetched by its integrity', async () => {
  const module = publish('some-node', tarball());
  await fetchLocks([lock([], [module])], cache, source());
  assert.deepEqual(readFileSync(cache.pathOf(module)), tarball());
  served.clear();
  await fetchLocks([lock([], [module])], cache);
  const other = { ...module, name: 'other-node', integrity: `sha512-${'A'.repeat(86)}==` };
  await refused(fetchLocks([lock([], [other])], cache), 'missing', /^other-node 1\.2\.3 is not among/);
  await refused(fetchLocks([lock([], [other])], cache, source()), 'unreachable', /npm did not give other-node 1\.2\.3/);
});

/** The smallest archive that npm takes: package/package.json, gzipped. */
function tarball(): Buffer {
  return Buffer.from(TARBALL, 'base64');
}

const TARBALL =
  'H4sIAAAAAAAAA+3OQQrCMBCF4aw9Rchaa2qCAW8TNIhKk9K0bsS7G3UhFNFNQYT/27zhzSym9duT34dl+8zqmFMUE9PF2tpHFuPU2rrXfO9rY5wTUk/9yDtD7n0npehS6j/dfdv/qYuKvglqo3JqwiKmXVBzdQ5dPqRY2rpaVUZdZ79+EwAAAAAAAAAAAAAAAAAwcgMHyS+WACgAAA==';
