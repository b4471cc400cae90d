// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemRandom } from '../../src/core/random/random.ts';
import { LYNIS_ANSWERS, parseReport, unanswered } from './lynis.ts';

const REPORT = [
  '# Lynis Report',
  'report_version_major=1',
  'warning[]=LOGG-2138|klogd is not running, which could lead to missing kernel messages in log files|-|-|',
  'suggestion[]=FILE-6310|To decrease the impact of a full /tmp file system, place /tmp on a separate partition|-|-|',
  'suggestion[]=KRNL-6000|One or more sysctl values differ||Change sysctl value|',
  'details[]=KRNL-6000|sysctl|desc:Restrict;field:kernel.sysrq;prefval:0;value:1;|',
  'details[]=OTHER-1|sysctl|desc:x;field:kernel.sysrq;prefval:0;value:1;|',
  'lynis_tests_done=207',
  'hardening_index=62',
].join('\n');

test('a report is read: index, tests, and each finding by its words', () => {
  assert.deepEqual(parseReport(REPORT), {
    index: 62,
    tests: 207,
    findings: [
      'LOGG-2138 klogd is not running, which could lead to missing kernel messages in log files',
      'FILE-6310 To decrease the impact of a full /tmp file system, place /tmp on a separate partition',
      'KRNL-6000 kernel.sysrq',
    ],
  });
});

test('a finding that nothing answers is told apart from one that something does', () => {
  const { open, idle } = unanswered(parseReport(REPORT));
  assert.deepEqual(open, [
    'FILE-6310 To decrease the impact of a full /tmp file system, place /tmp on a separate partition',
    'KRNL-6000 kernel.sysrq',
  ]);
  assert.equal(idle.length, Object.keys(LYNIS_ANSWERS).length - 2, 'all but the one found, and the age of Lynis');
  for (const [finding, why] of Object.entries(LYNIS_ANSWERS)) assert.ok(why.length > 20, finding);
});

test('a report without its figures, or junk, is refused', () => {
  for (const key of ['hardening_index', 'lynis_tests_done']) {
    assert.throws(() => parseReport(REPORT.replace(`${key}=`, `${key}_=`)), SyntaxError);
    assert.throws(() => parseReport(REPORT.replace(new RegExp(`${key}=\\d+`), `${key}=many`)), SyntaxError);
  }
  for (let round = 0; round < 1000; round++) {
    assert.throws(() => parseReport(Buffer.from(systemRandom.bytes(200)).toString('latin1')), SyntaxError);
  }
});
