// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { REPOSITORY } from '../../../src/image/build/recipe.os.ts';
import { BASELINE, baselineScript, unmet } from './baseline.ts';
import { notApplicable, nothing, says } from './control.ts';
import { ANSSI_NUMBERS, CIS_NUMBERS } from './numbers.ts';

test('every number of both standards is checked, shown by a test, or does not apply for a reason', () => {
  const known = new Set([...CIS_NUMBERS, ...ANSSI_NUMBERS]);
  assert.equal(known.size, 312 + 80);
  const met = new Set(BASELINE.flatMap(({ ids }) => ids));
  assert.deepEqual(
    [...known].filter((id) => !met.has(id)),
    [],
    'numbers that nothing answers',
  );
  assert.deepEqual(
    [...met].filter((id) => !known.has(id)),
    [],
    'numbers that neither standard has',
  );
});

test('most are checked in the guest, and few do not apply', () => {
  const share = (kind: string) => new Set(BASELINE.filter((control) => kind in control).flatMap(({ ids }) => ids)).size;
  assert.ok(share('command') >= 330, `${share('command')} are checked`);
  assert.ok(share('notApplicable') <= 40, `${share('notApplicable')} do not apply`);
  for (const control of BASELINE) {
    if ('shownBy' in control) assert.ok(existsSync(join(REPOSITORY, control.shownBy)), control.shownBy);
    if ('notApplicable' in control) assert.ok(control.notApplicable.length > 15, control.demand);
  }
});

test('a guest that meets nothing fails every check', () => {
  const script = baselineScript(BASELINE);
  const asked = script.split("printf '\\036'").length - 1;
  const checked = BASELINE.filter((control) => 'command' in control);
  assert.equal(unmet(BASELINE, 'what nobody expects\n\u{1e}'.repeat(asked)).length, checked.length);
});

test('answers are told apart, and each is asked for once', () => {
  const controls = [says('A', 'a', 'x', /^1\n$/), nothing('B', 'b', 'y'), says('C', 'c', 'x', /^2\n$/)];
  assert.equal(baselineScript(controls).match(/^x$/gm)?.length, 1);
  assert.deepEqual(unmet(controls, '1\n\u{1e}\u{1e}'), ['C c: 1\n']);
  assert.throws(() => unmet(controls, '1\n\u{1e}'), SyntaxError);
  assert.deepEqual(unmet([notApplicable('D', 'd', 'because')], ''), []);
});
