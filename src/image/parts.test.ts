// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settleAccounts } from './accounts.ts';
import { KernelError, keptModules, loadOrder, parseDependencies } from './kernel.ts';
import { OPERATOR } from './operator.ts';
import { commandLine } from './record.ts';

const DEPENDENCIES = parseDependencies(
  [
    'kernel/a/top.ko: kernel/b/mid-dle.ko kernel/c/base.ko',
    'kernel/b/mid-dle.ko: kernel/c/base.ko',
    'kernel/c/base.ko:',
    'kernel/d/alone.ko:',
    '',
  ].join('\n'),
);

test('a module keeps all that it needs, and what nobody named goes', () => {
  assert.deepEqual(
    [...keptModules(DEPENDENCIES, ['a/*.ko'])],
    ['kernel/a/top.ko', 'kernel/b/mid-dle.ko', 'kernel/c/base.ko'],
  );
  assert.throws(() => keptModules(DEPENDENCIES, ['a/*.ko', 'nowhere/*.ko']), KernelError);
});

test('modules load after what they need, each once, dash or underscore', () => {
  assert.deepEqual(loadOrder(DEPENDENCIES, ['alone', 'mid_dle', 'top']), [
    'kernel/d/alone.ko',
    'kernel/c/base.ko',
    'kernel/b/mid-dle.ko',
    'kernel/a/top.ko',
  ]);
  assert.throws(() => loadOrder(DEPENDENCIES, ['gone']), KernelError);
});

test('no account has a password or a shell, and ours have the ids of the recipe', () => {
  const settled = settleAccounts(
    {
      passwd: 'root:x:0:0:root:/root:/bin/bash\ntss:x:100:101:TPM,,,:/var/lib/tpm:/bin/false\n',
      group: 'root:x:0:\ntss:x:101:someone\n',
      shadow: 'root:$6$salt$hash:1:0:99999:7:::\n',
      gshadow: 'root:*::\n',
    },
    ['_lethe-activation  905 905 tss'],
    ['_lethe-activation  905'],
  );
  assert.equal(
    settled.passwd,
    'root:x:0:0:root:/root:/usr/sbin/nologin\ntss:x:100:101:TPM,,,:/var/lib/tpm:/usr/sbin/nologin\n_lethe-activation:x:905:905::/nonexistent:/usr/sbin/nologin\n',
  );
  assert.equal(settled.group, 'root:x:0:\ntss:x:101:someone,_lethe-activation\n_lethe-activation:x:905:\n');
  assert.deepEqual(
    settled.shadow.split('\n').filter(Boolean),
    ['root', 'tss', '_lethe-activation'].map((name) => `${name}:!*:20000::::::`),
  );
  assert.equal(settled.gshadow, 'root:!::\ntss:!::someone,_lethe-activation\n_lethe-activation:!::\n');
});

test('the command line ends with where the root image can be checked', () => {
  assert.equal(commandLine(['quiet', 'panic=5'], 'ab', 4096), 'quiet panic=5 lethe.roothash=ab lethe.hashoffset=4096');
});

test("an operator's file holds an address and one certificate of an authority", () => {
  const problems = (value: object) => OPERATOR.safeParse(value).error?.issues.map(({ path }) => path.join('.')) ?? [];
  assert.deepEqual(problems({ activator: 'http://a.example:1', authority: '' }), ['activator', 'authority']);
  assert.deepEqual(problems({ activator: 'https://a.example:1', authority: JUNK_PEM }), ['authority']);
  assert.deepEqual(problems({ activator: 'https://a.example:1/path', authority: JUNK_PEM, more: 1 }), [
    'activator',
    'authority',
    '',
  ]);
});

const JUNK_PEM = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
