// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { ManualClock } from '../core/clock/clock.ts';
import type { PolicyFile } from './policy.os.ts';
import { type AllowFlags, allowCommand, revokeCommand } from './releases.cli.ts';

const directory = mkdtempSync(join(tmpdir(), 'lethe-releases-'));
after(() => rmSync(directory, { recursive: true }));
const [policy, published] = [join(directory, 'policy.json'), join(directory, 'pcrs.json')];

let said = '';
const saying = {
  interactive: false,
  write(text: string): void {
    said += text;
  },
};
const deps = { stdout: saying, stderr: saying, clock: new ManualClock(Date.parse('2026-11-28T12:00:00Z')) };

const hash = '00'.repeat(32);
const release = {
  version: '1.2.3',
  variant: 'release',
  authenticode: hash,
  pcrs: { 4: hash, 7: hash, 9: hash, 11: hash },
};

beforeEach(() => {
  said = '';
  writeFileSync(policy, JSON.stringify({ tpms: { roots: '/roots.pem' }, minimumVersion: '1.0.0', releases: [] }));
  chmodSync(policy, 0o640);
  writeFileSync(published, JSON.stringify(release));
});

function allow(flags: Partial<AllowFlags> = {}): number {
  return allowCommand(published, { policy, until: '2027-06-01', ...flags }, deps);
}

function releases(): PolicyFile['releases'] {
  return (JSON.parse(readFileSync(policy, 'utf8')) as PolicyFile).releases;
}

test('a release is allowed from a day until another, and its policy keeps its mode', () => {
  assert.equal(allow(), 0, said);
  const { version, pcrs } = release;
  const allowed = { version, pcrs, notBefore: '2026-11-28', notAfter: '2027-06-01', revoked: false };
  assert.deepEqual(releases(), [allowed]);
  assert.equal(statSync(policy).mode & 0o777, 0o640);
  assert.equal(allow({ until: '2027-07-01' }), 0);
  assert.deepEqual(releases(), [{ ...allowed, notAfter: '2027-07-01' }], 'the same release, once');
});

test('an image for tests, a day that is none, and an end before the beginning are refused, and change nothing', () => {
  for (const flags of [
    { until: 'never' },
    { until: '2026-11-28' },
    { from: '2027-06-02' },
    { from: '28.11.2026' },
    { policy: join(directory, 'nowhere') },
  ])
    assert.equal(allow(flags), 1, JSON.stringify(flags));
  writeFileSync(published, JSON.stringify({ ...release, variant: 'probe' }));
  assert.equal(allow(), 1);
  assert.match(said, /the variant probe is for tests and gets no secrets/);
  writeFileSync(published, '{}');
  assert.equal(allow(), 1);
  assert.deepEqual(releases(), []);
});

test('a revoked release stays in the policy, as revoked; an unknown one cannot be revoked', () => {
  assert.equal(allow(), 0);
  assert.equal(revokeCommand('1.2.4', { policy }, deps), 1);
  assert.deepEqual(
    releases().map(({ revoked }) => revoked),
    [false],
  );
  assert.equal(revokeCommand('1.2.3', { policy }, deps), 0);
  assert.deepEqual(
    releases().map(({ revoked }) => revoked),
    [true],
  );
});
