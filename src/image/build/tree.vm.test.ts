// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { builtImage, unpackRoot } from '../../../proof/labs/image/built-image.os.ts';
import { checkTree, expectations, ForbiddenError, walkTree } from './contents.os.ts';
import { findForbidden } from './contents.ts';
import { EXECUTABLES, listExecutables } from './executables.os.ts';
import { recipeOf } from './recipe.os.ts';

let work: string;
let root: string;

before(async () => {
  work = mkdtempSync(join(tmpdir(), 'lethe-tree-'));
  root = await unpackRoot(await builtImage(), work);
});

after(() => rmSync(work, { recursive: true, force: true }));

test('the built tree holds nothing that must not be there', () => {
  const tree = [...walkTree(root)];
  assert.deepEqual(findForbidden(tree, expectations(recipeOf())), []);
  const paths = new Set(tree.map(({ path }) => path));
  for (const expected of [
    'usr/bin/node',
    'usr/sbin/openvpn',
    'usr/lib/lethe/gateway.js',
    'usr/lib/lethe/wipe.so',
    'etc/passwd',
  ]) {
    assert.ok(paths.has(expected), `${expected} is in the tree`);
  }
  assert.ok(tree.some(({ path }) => path.endsWith('/wireguard.ko')));
  assert.deepEqual(
    tree.filter(({ uid, gid }) => uid !== 0 && gid !== 0).map(({ path }) => path),
    [],
    'files belong to root, so that nobody else writes them',
  );
});

test('what may be executed is a list of programs and libraries in the image itself', () => {
  const list = readFileSync(join(root, EXECUTABLES), 'utf8').split('\n').slice(0, -1);
  for (const expected of [
    'bin/node',
    'sbin/openvpn',
    'lib/lethe/wipe.so',
    'lib/lethe/integrity',
    'lib/systemd/systemd',
  ])
    assert.ok(list.includes(`/usr/${expected}`), expected);
  for (const path of list) {
    const header = readFileSync(join(root, path)).subarray(0, 20);
    assert.equal(header.subarray(0, 6).toString('latin1'), '\x7fELF\x02\x01', `${path}: 64 bits, little end first`);
    assert.ok([2, 3].includes(header.readUInt16LE(16)), `${path}: a program or a library`);
    assert.equal(header.readUInt16LE(18), 62, `${path}: x86-64`);
  }
  writeFileSync(join(root, 'usr/lib/planted.so'), '\x7fELF', 'latin1');
  assert.equal(
    listExecutables(root),
    [...list, '/usr/lib/planted.so']
      .toSorted()
      .map((path) => `${path}\n`)
      .join(''),
  );
  rmSync(join(root, 'usr/lib/planted.so'));
});

test('the same walk finds what somebody plants', () => {
  const planted = {
    'etc/lethe/secret.pem': `-----BEGIN PRIVATE KEY-----\n${'A'.repeat(64)}\n-----END PRIVATE KEY-----\n`,
    'usr/bin/sshd': '',
    'usr/lib/modules/evil.ko': 'not signed',
    'etc/resolv.conf': 'nameserver 192.0.2.1\n',
  };
  for (const [path, content] of Object.entries(planted)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  assert.throws(
    () => checkTree(root, recipeOf()),
    (error) => {
      assert.ok(error instanceof ForbiddenError);
      const found = new Set(error.findings.map(({ path }) => path));
      assert.deepEqual([...found].toSorted(), Object.keys(planted).toSorted());
      return true;
    },
  );
});
