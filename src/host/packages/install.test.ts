// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run } from '../processes/process.os.ts';
import { installPackages, PackageError } from './install.os.ts';
import type { LockedPackage } from './lock.ts';

const directory = mkdtempSync(join(tmpdir(), 'lethe-packages-'));
const tarballs = new Map<string, Buffer>();
const asked: { path: string; authorization: string | undefined }[] = [];
/** Answers before the first good one. */
let failing = 0;
const registry = createServer((request, response) => {
  asked.push({ path: request.url ?? '', authorization: request.headers.authorization });
  const tarball = tarballs.get(request.url ?? '');
  if (failing > 0) {
    failing -= 1;
    response.writeHead(503).end();
  } else if (tarball === undefined) response.writeHead(404).end();
  else response.end(tarball);
});
let url = '';

before(async () => {
  await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(registry.address() as AddressInfo).port}/npm`;
});
after(() => {
  registry.close();
  rmSync(directory, { recursive: true });
});

/** Publishes a package with a command, a file that only its owner may read, and a link. */
async function publish(name: string): Promise<LockedPackage> {
  const folder = join(directory, 'source', name, 'package');
  mkdirSync(join(folder, 'bin'), { recursive: true });
  writeFileSync(join(folder, 'bin', 'run.js'), `// ${name}\n`);
  writeFileSync(join(folder, 'private.txt'), name);
  chmodSync(join(folder, 'private.txt'), 0o600);
  symlinkSync('/etc/passwd', join(folder, 'link'));
  const file = join(directory, 'source', name, 'package.tgz');
  await run(['tar', '-czf', file, '-C', join(folder, '..'), 'package']);
  const bytes = readFileSync(file);
  const tarball = `${name}/-/${name}-1.0.0.tgz`;
  tarballs.set(`/npm/${tarball}`, bytes);
  return {
    path: name,
    tarball,
    sha512: createHash('sha512').update(bytes).digest('base64'),
    commands: { [name]: 'bin/run.js' },
  };
}

test('packages are fetched, checked and unpacked as npm does', async () => {
  const modules = join(directory, 'modules');
  const packages = [await publish('a'), await publish('b'), { ...(await publish('c')), path: '@scope/c' }];
  mkdirSync(join(modules, 'b'), { recursive: true });
  failing = 1;
  let done = 0;
  await installPackages(packages, modules, { url, token: 's3cret' }, () => {
    done += 1;
  });
  assert.equal(done, 2, 'what is there is not fetched again');
  assert.deepEqual(new Set(asked.map(({ path }) => path)), new Set(['/npm/a/-/a-1.0.0.tgz', '/npm/c/-/c-1.0.0.tgz']));
  assert.equal(asked.length, 3, 'a registry that fails is asked again');
  assert.ok(asked.every(({ authorization }) => authorization === 'Bearer s3cret'));
  assert.equal(readFileSync(join(modules, 'a/private.txt'), 'utf8'), 'a');
  assert.equal(statSync(join(modules, 'a/private.txt')).mode & 0o777, 0o644);
  assert.equal(statSync(join(modules, 'a/bin/run.js')).mode & 0o777, 0o755);
  assert.equal(existsSync(join(modules, 'a/link')), false);
  assert.equal(readlinkSync(join(modules, '.bin/c')), '../@scope/c/bin/run.js');
  assert.equal(existsSync(join(modules, '.bin/b')), false, 'a command without its file is not linked');
});

test('another tarball than the locked one, and one that cannot be had, are each one sentence', async () => {
  const locked = await publish('d');
  const install = (one: LockedPackage, from = url) =>
    installPackages([one], mkdtempSync(join(directory, 'refused-')), { url: from, token: undefined }, () => undefined);
  const other = { ...locked, sha512: `${'A'.repeat(86)}==` };
  await assert.rejects(install(other), {
    name: 'PackageError',
    message: /d-1\.0\.0\.tgz is not what package-lock\.json names/,
  });
  await assert.rejects(install({ ...locked, tarball: 'e/-/e-1.0.0.tgz' }), {
    message: /cannot be fetched: the answer is 404\./,
  });
  await assert.rejects(install(locked, 'http://127.0.0.1:2'), { message: /cannot be fetched: ECONNREFUSED\./ });
  failing = 3;
  await assert.rejects(install(locked), { message: /the answer is 503/ });
  const junk = Buffer.from('junk');
  tarballs.set(`/npm/${locked.tarball}`, junk);
  const digest = createHash('sha512').update(junk).digest('base64');
  await assert.rejects(install({ ...locked, sha512: digest }), PackageError);
});
