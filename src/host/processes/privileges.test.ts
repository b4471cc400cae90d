// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { giveUpRoot, type UserCalls } from './privileges.os.ts';

/** Notes what it is asked to become; the program's own test becomes it in earnest. */
function processOf(uid: number): { asked: string[]; process: UserCalls } {
  const asked: string[] = [];
  const note = (what: string) => (value: unknown) => void asked.push(`${what} ${JSON.stringify(value)}`);
  return {
    asked,
    process: {
      getuid: () => uid,
      setgroups: note('groups'),
      setgid: note('gid'),
      setuid: note('uid'),
    },
  };
}

test('root becomes the user: groups first, the user last', () => {
  const { asked, process: root } = processOf(0);
  assert.equal(giveUpRoot({ uid: 901, gid: 902 }, root), undefined);
  assert.deepEqual(asked, ['groups []', 'gid 902', 'uid 901']);
});

test('root without a user to become is refused', () => {
  const { asked, process: root } = processOf(0);
  assert.match(giveUpRoot(undefined, root)?.problem ?? '', /names no user/);
  assert.deepEqual(asked, []);
});

test('whoever is not root stays who they are', () => {
  const { asked, process: somebody } = processOf(1000);
  assert.equal(giveUpRoot({ uid: 901, gid: 902 }, somebody), undefined);
  assert.deepEqual(asked, []);
});
