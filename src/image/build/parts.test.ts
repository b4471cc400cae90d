// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatOperator, parseOperator } from '../../contracts/activation/operator.ts';
import { run } from '../../host/processes/process.os.ts';
import { settleAccounts } from './accounts.ts';
import { KernelError, keptModules, loadOrder, parseDependencies } from './kernel.ts';
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

test("an operator's file holds an address and one certificate of an authority", async () => {
  const [activator, authority] = ['https://a.example:1', await certificate(true)];
  assert.deepEqual(parseOperator(formatOperator({ activator, authority })), { activator, authority });
  const refused: readonly (readonly [object, RegExp])[] = [
    [{ activator: 'http://a.example:1', authority }, /^line 1: activator: must be https:/],
    [{ activator: `${activator}/path`, authority }, /^line 1: activator: must be https:/],
    [{ activator, authority: JUNK_PEM }, /^line 1: authority: /],
    [{ activator, authority: await certificate(false) }, /^line 1: authority: /],
    [{ activator, authority: `${authority}${authority}` }, /^line 1: authority: /],
    [{ activator, authority, more: 1 }, /^line 1: more: unknown key$/],
    [{ activator }, /^line 1: authority: missing$/],
  ];
  for (const [value, why] of refused) {
    const parsed = parseOperator(JSON.stringify(value));
    assert.match('problem' in parsed ? parsed.problem : '', why);
  }
});

/** PEM, of an authority or of a server, as openssl makes it. */
async function certificate(authority: boolean): Promise<string> {
  const constraints = `basicConstraints=critical,CA:${authority ? 'TRUE' : 'FALSE'}`;
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', '/dev/null'];
  const made = await run(['openssl', 'req', '-x509', '-batch', ...key, '-subj', '/CN=Example', '-addext', constraints]);
  // What openssl says while it makes the key may come before or after.
  return /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/.exec(made)?.[0] ?? '';
}

const JUNK_PEM = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
