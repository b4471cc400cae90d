// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../../host/processes/process.os.ts';
import { packSource } from './source.os.ts';

const CHECKOUT = fileURLToPath(new URL('../../..', import.meta.url));
/** Anybody may take it, as often as they like: it is held in memory once, and stays small. */
const MOST = 3_000_000;

const directory = mkdtempSync(join(tmpdir(), 'lethe-source-'));
const unpacked = join(directory, 'lethe');
before(async () => {
  writeFileSync(join(directory, 'source.zip'), packSource());
  await run(['unzip', '-q', join(directory, 'source.zip'), '-d', directory]);
});
after(() => rmSync(directory, { recursive: true }));

test('the source that the portal hands out is the whole checkout, and small', async () => {
  const known = await run(['git', '-C', CHECKOUT, 'ls-files', '-z']);
  const files = known.split('\0').filter((file) => file !== '' && !file.startsWith('.ci/'));
  const listed = await run(['unzip', '-Z1', join(directory, 'source.zip')]);
  const packed = new Set(listed.trim().split('\n'));
  assert.deepEqual(
    files.filter((file) => !packed.has(`lethe/${file}`)),
    [],
    'what is not in it',
  );
  for (const file of ['src/gateway/tunnels/firewall/flows.c', 'image/packages.lock', 'proof/check/check.cli.ts'])
    assert.ok(packed.has(`lethe/${file}`), file);
  assert.doesNotMatch(listed, /node_modules|^lethe\/\.(?:git\/|lethe)/m);
  assert.ok(readFileSync(join(directory, 'source.zip')).length < MOST);
});

test('what is unpacked runs, and has what the image is built from', async () => {
  symlinkSync(join(CHECKOUT, 'node_modules'), join(unpacked, 'node_modules'));
  const { version } = JSON.parse(readFileSync(join(CHECKOUT, 'package.json'), 'utf8')) as { version: string };
  assert.equal((await run([join(unpacked, 'lethe'), '--version'])).trim(), version);
  assert.equal(readlinkSync(join(unpacked, 'image/files/etc/systemd/system/unbound.service')), '/dev/null');
});

test('what is not source stays where it is: a key above all', async () => {
  for (const name of ['src/operator.key', 'image/files/ca.pem', 'docs/.draft.swp', 'cmd/lethe.ts~'])
    writeFileSync(join(unpacked, name), 'PRIVATE');
  writeFileSync(join(directory, 'again.zip'), packSource(unpacked));
  const [before, again] = await Promise.all(
    ['source.zip', 'again.zip'].map((name) => run(['unzip', '-Z1', join(directory, name)])),
  );
  assert.equal(again, before);
});
