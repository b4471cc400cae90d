// SPDX-License-Identifier: AGPL-3.0-or-later
// Needs root.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run, type SpawnOptions, spawnChild } from './process.os.ts';

const USER = { uid: 65_534, gid: 65_533 };
const NET_ADMIN = '0000000000001000';
const NOTHING = '0'.repeat(16);

/** What the kernel says about a program that was started so: `CapEff` is `0000000000001000`. */
async function status(options: SpawnOptions): Promise<Map<string, string>> {
  const lines = (await run(['cat', '/proc/self/status'], options)).split('\n');
  return new Map(lines.map((line) => line.split(/:\s*/, 2) as [string, string]));
}

test('a user has the rights that it was given, no way to another, and no group of ours', async () => {
  const groups = process.getgroups?.() ?? [];
  process.setgroups?.([4, 20]);
  try {
    const found = await status({ user: USER, rights: ['net_admin'] });
    assert.equal(found.get('Uid')?.replaceAll('\t', ' '), '65534 65534 65534 65534');
    assert.equal(found.get('Gid')?.replaceAll('\t', ' '), '65533 65533 65533 65533');
    assert.equal(found.get('Groups')?.trim(), '');
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) assert.equal(found.get(set), NET_ADMIN, set);
    assert.equal(found.get('NoNewPrivs'), '1');
  } finally {
    process.setgroups?.(groups);
  }
});

test('root keeps of its rights what it was given, and cannot get the others back', async () => {
  const found = await status({ rights: ['net_admin'] });
  assert.equal(found.get('Uid')?.split('\t')[0], '0');
  for (const set of ['CapPrm', 'CapEff', 'CapBnd']) assert.equal(found.get(set), NET_ADMIN, set);
  assert.equal(found.get('CapInh'), NOTHING);
  assert.equal(found.get('NoNewPrivs'), '1');
});

test('a child sees nothing of our environment but what every program needs', async () => {
  process.env['LETHE_SECRET_OF_A_TEST'] = 'secret';
  try {
    const seen = (await run(['env'], { env: { GIVEN: 'yes' } })).trim().split('\n');
    const names = seen.map((line) => line.slice(0, line.indexOf('=')));
    assert.ok(names.includes('GIVEN') && names.includes('PATH'));
    const known = new Set(['PATH', 'LANG', 'TZ', 'NODE_V8_COVERAGE', 'NODE_OPTIONS', 'GIVEN', '_']);
    assert.deepEqual(
      names.filter((name) => !known.has(name)),
      [],
    );
  } finally {
    delete process.env['LETHE_SECRET_OF_A_TEST'];
  }
});

test('of what a program says without end the last 64 KiB are kept', async () => {
  const child = spawnChild(['sh', '-c', 'head -c 200000 /dev/zero | tr "\\\\0" a; echo end']);
  await child.exited;
  assert.equal(child.output().length, 65_536);
  assert.match(child.output(), /^a+end\n$/);
});
