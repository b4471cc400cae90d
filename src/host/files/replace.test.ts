// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { replaceFile } from './replace.os.ts';

const directory = mkdtempSync(join(tmpdir(), 'lethe-replace-'));
const path = join(directory, 'keys.json');
beforeEach(() => {
  rmSync(directory, { recursive: true });
  mkdirSync(directory);
});
after(() => rmSync(directory, { recursive: true, force: true }));

/** Replaces the file in a process of its own, whose calls of `node:fs` run through this code first. */
function elsewhere(around: string): { readonly pid: number; readonly output: string } {
  const script = `
    import fs from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    const before = { ...fs };
    ${around}
    syncBuiltinESMExports();
    const { replaceFile } = await import(${JSON.stringify(new URL('replace.os.ts', import.meta.url).href)});
    replaceFile(${JSON.stringify(path)}, 'new', { mode: 0o640, owner: { uid: 0, gid: 0 } });`;
  const { pid, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  return { pid, output: stdout };
}

test('a file has its content, mode and owner from the start, whatever the umask and the old file say', () => {
  const umask = process.umask(0o077);
  try {
    const root = process.getuid?.() === 0;
    const owner = { uid: root ? 901 : statSync(directory).uid, gid: root ? 902 : statSync(directory).gid };
    replaceFile(path, 'old', { mode: 0o644, owner });
    assert.equal(readFileSync(path, 'utf8'), 'old');
    assert.deepEqual(
      [statSync(path).mode & 0o7777, statSync(path).uid, statSync(path).gid],
      [0o644, owner.uid, owner.gid],
    );
    chmodSync(path, 0o666);
    replaceFile(path, new TextEncoder().encode('new'), { mode: 0o400 });
    assert.equal(readFileSync(path, 'utf8'), 'new');
    assert.deepEqual([statSync(path).mode & 0o7777, statSync(path).uid], [0o400, process.getuid?.()]);
    assert.deepEqual(readdirSync(directory), ['keys.json']);
  } finally {
    process.umask(umask);
  }
});

test('until its rights are set, the new content is for its writer alone', () => {
  const { output } = elsewhere(`
    fs.fchmodSync = (file, mode) => {
      const { mode: first } = before.fstatSync(file);
      console.log((first & 0o777).toString(8), before.readdirSync(${JSON.stringify(directory)}).join());
      before.fchmodSync(file, mode);
    };`);
  assert.match(output, /^600 keys\.json\.\d+\.unfinished\n$/);
  assert.equal(statSync(path).mode & 0o777, 0o640);
});

test('content reaches the disk before the name does, and the name before anybody relies on it', () => {
  const { output } = elsewhere(`
    for (const name of ['writeFileSync', 'fsyncSync', 'renameSync'])
      fs[name] = (...words) => (console.log(name), before[name](...words));`);
  assert.deepEqual(output.trim().split('\n'), ['writeFileSync', 'fsyncSync', 'renameSync', 'fsyncSync']);
});

test('a writer that is killed before the rename leaves the old file, and the next one clears up behind it', () => {
  replaceFile(path, 'old', { mode: 0o600 });
  writeFileSync(join(directory, 'keys.json.mine.unfinished'), 'of somebody else');
  const { pid } = elsewhere("fs.renameSync = () => process.kill(process.pid, 'SIGKILL');");
  assert.equal(readFileSync(path, 'utf8'), 'old');
  const junk = `keys.json.${pid}.unfinished`;
  assert.equal(readFileSync(join(directory, junk), 'utf8'), 'new');
  writeFileSync(join(directory, `keys.json.${process.ppid}.unfinished`), 'of one that runs');
  replaceFile(path, 'new', { mode: 0o600 });
  assert.equal(readFileSync(path, 'utf8'), 'new');
  assert.deepEqual(
    readdirSync(directory).toSorted(),
    ['keys.json', `keys.json.${process.ppid}.unfinished`, 'keys.json.mine.unfinished'].toSorted(),
  );
});

test('what cannot be replaced stays, and nothing is left beside it', () => {
  mkdirSync(path);
  writeFileSync(join(path, 'inside'), '');
  assert.throws(() => replaceFile(path, 'new', { mode: 0o600 }), { code: 'EISDIR' });
  assert.deepEqual(readdirSync(directory), ['keys.json']);
  assert.throws(() => replaceFile(join(directory, 'absent', 'x'), 'new', { mode: 0o600 }), { code: 'ENOENT' });
});
