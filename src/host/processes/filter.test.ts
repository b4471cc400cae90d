// SPDX-License-Identifier: AGPL-3.0-or-later
// Needs root.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { compileFilter } from './filter.os.ts';
import { ownProgram } from './privileges.os.ts';
import { CommandError, run } from './process.os.ts';

const directory = mkdtempSync(join(tmpdir(), 'lethe-filter-'));
const user = { uid: 65_534, gid: 65_534 };
let filter: string;

before(async () => {
  chmodSync(directory, 0o755);
  filter = await compileFilter(directory);
});
after(() => rmSync(directory, { recursive: true }));

/** What a program says that asks the kernel for something, as root or as a user. */
async function asked(script: string, options: { user?: typeof user } = {}): Promise<string> {
  return (await run(['perl', '-e', script], { ...options, filter })).trim();
}

/** Numbers of system calls on x86-64. */
const CALLS: Readonly<Record<string, number>> = {
  ptrace: 101,
  mount: 165,
  init_module: 175,
  unshare: 272,
  setns: 308,
  bpf: 321,
  userfaultfd: 323,
  io_uring_setup: 425,
  keyctl: 250,
  settimeofday: 164,
};

test('what no program of ours needs is refused, to root as to others', async () => {
  for (const [name, number] of Object.entries(CALLS)) {
    for (const options of [{}, { user }]) {
      const said = await asked(`syscall(${number}, -1, -1, -1, -1, -1) == -1 and print $!`, options);
      assert.equal(said, 'Operation not permitted', name);
    }
  }
});

test('a call that is newer, has other numbers or hides its flags does not exist', async () => {
  const newest = 450;
  for (const number of [newest + 1, 0x4000_0000 + 39, 435]) {
    assert.equal(await asked(`syscall(${number}, 0, 0) == -1 and print $!`), 'Function not implemented', `${number}`);
  }
});

test('no new namespace, but new processes', async () => {
  const user = 0x1000_0000;
  assert.equal(await asked(`syscall(56, ${user}, 0, 0, 0, 0) == -1 and print $!`), 'Operation not permitted');
  assert.equal(await run(['sh', '-c', '(echo child) | cat'], { filter }), 'child\n');
});

test('only sockets of families that a gateway speaks', async () => {
  const opened = (family: number, type: number) => asked(`socket(S, ${family}, ${type}, 0) ? print "open" : print $!`);
  for (const family of [1, 2, 10]) assert.equal(await opened(family, 2), 'open', `${family}`);
  assert.equal(await opened(16, 3), 'open');
  for (const family of [15, 38, 40]) {
    assert.equal(await opened(family, 3), 'Address family not supported by protocol', `${family}`);
  }
});

test('a program that is not there is said', async () => {
  await assert.rejects(run(['/nonexistent/program'], { filter }), CommandError);
});

test('a program of ours gives up root, and then has no right and no way to one', async () => {
  const script = `process.setgroups([]); process.setgid(901); process.setuid(901);
    console.log(require('node:fs').readFileSync('/proc/self/status', 'utf8'));`;
  const status = await run([process.execPath, '-e', script], ownProgram(filter));
  for (const line of [
    /^Uid:\t901\t901\t901/m,
    /^CapPrm:\t0+$/m,
    /^CapEff:\t0+$/m,
    /^NoNewPrivs:\t1$/m,
    /^Seccomp:\t2$/m,
  ]) {
    assert.match(status, line);
  }
});
