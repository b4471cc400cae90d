// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { Command } from 'commander';
import { sampleBuild } from '../../../proof/labs/release/sample-build.os.ts';
import { SOFTHSM, softToken } from '../../../proof/labs/tokens/softhsm.os.ts';
import { fingerprint } from '../../contracts/release/keyring.ts';
import { systemClock } from '../../core/clock/clock.ts';
import { systemRandom } from '../../core/random/random.ts';
import { run } from '../../host/processes/process.os.ts';
import { EXIT } from '../../host/terminal/exit.ts';
import { builderKey, writeStatement } from './builders.os.ts';
import { readKeyring } from './ceremony.os.ts';
import { addReleaseCommands } from './commands.cli.ts';
import { defaultBuilderKey, state } from './release.cli.ts';

/** The words of a person, through the same commands that `./lethe image` has. */

const directory = mkdtempSync(join(tmpdir(), 'lethe-cli-'));
const memory = mkdtempSync('/dev/shm/lethe-cli-');
const at = (...names: string[]) => join(directory, ...names);
const said = { stdout: '', stderr: '' };

before(async () => {
  await softToken(directory);
  writeFileSync(join(memory, 'pin'), '314159', { mode: 0o600 });
});
beforeEach(() => {
  said.stdout = '';
  said.stderr = '';
});
after(() => {
  rmSync(directory, { recursive: true });
  rmSync(memory, { recursive: true });
});

class NoKeyboard extends EventEmitter {
  setRawMode(): void {}
  resume(): void {}
  pause(): void {}
}

function releaseDeps() {
  const terminal = (stream: 'stdout' | 'stderr') => ({
    interactive: false,
    write: (text: string) => {
      said[stream] += text;
    },
  });
  const deps = { stdout: terminal('stdout'), stderr: terminal('stderr'), clock: systemClock, random: systemRandom };
  return { ...deps, keyboard: new NoKeyboard(), environment: { SOFTHSM2_CONF: at('softhsm2.conf') } };
}

async function lethe(...words: string[]): Promise<number> {
  let code: number | undefined;
  const program = new Command('image').exitOverride();
  addReleaseCommands(program, releaseDeps(), (end) => {
    code = end;
  });
  await program.parseAsync(words, { from: 'user' });
  return code ?? -1;
}

const token = (object: string) => ['--module', SOFTHSM, '--key', `pkcs11:token=release;object=${object}`];
const pin = ['--pin-file', join(memory, 'pin')];

test('the ceremony, a second signer, and the first one retired', async () => {
  assert.equal(await lethe('keys', 'create', at('keys'), ...token('sign'), ...pin, '--operator', 'Us'), 0, said.stderr);
  assert.match(said.stdout, /PK {5}[0-9a-f]{64}/);
  assert.equal(await lethe('keys', 'add', at('keys'), ...token('next'), ...pin, '--generate', '0a'), 0, said.stderr);
  const [first = ''] = readKeyring(at('keys')).db;
  assert.equal(await lethe('keys', 'retire', at('keys'), fingerprint(first).slice(0, 16)), 0, said.stderr);
  assert.equal(readKeyring(at('keys')).db.length, 1);
  assert.equal(await lethe('keys', 'replace', at('keys'), 'KEK'), 0, said.stderr);
  assert.equal(await lethe('keys', 'replace', at('keys'), 'db'), EXIT.usage);
  assert.match(said.stderr, /'db' is neither PK nor KEK/);
});

test('a hash, a program or a release is revoked', async () => {
  const program = '/usr/lib/systemd/boot/efi/systemd-bootx64.efi';
  assert.equal(await lethe('revoke', 'ef'.repeat(32), '--keys', at('keys')), 0, said.stderr);
  copyFileSync(program, at('program.efi'));
  assert.equal(await lethe('revoke', at('program.efi'), '--keys', at('keys')), 0, said.stderr);
  assert.equal(readKeyring(at('keys')).revoked.length, 2);
  assert.ok(existsSync(at('keys/enrol/dbx.auth')));
  writeFileSync(at('pcrs.json'), '{}');
  for (const [what, why, code] of [
    ['/nonexistent', /neither a file nor a SHA-256/, EXIT.usage],
    [at('softhsm2.conf'), /not a program/, EXIT.failed],
    [directory, /pcrs.json: line 1/, EXIT.failed],
  ] as const) {
    assert.equal(await lethe('revoke', what, '--keys', at('keys')), code);
    assert.match(said.stderr, why);
  }
  const values = Object.fromEntries([4, 7, 9, 11].map((pcr) => [pcr, '00'.repeat(32)]));
  const published = { version: '0.2.0', variant: 'release', authenticode: '12'.repeat(32), pcrs: values };
  writeFileSync(at('pcrs.json'), JSON.stringify(published));
  assert.equal(await lethe('revoke', directory, '--keys', at('keys')), 0, said.stderr);
  assert.ok(readKeyring(at('keys')).revoked.includes('12'.repeat(32)));
});

test('who cannot be asked, and what cannot be a key, is said', async () => {
  assert.equal(await lethe('keys', 'create', at('more'), ...token('sign')), 1);
  assert.match(said.stderr, /nobody can be asked for the PIN/);
  const bad = ['--module', SOFTHSM, '--key', 'pkcs11:token=release;object=sign;pin-value=1'];
  assert.equal(await lethe('keys', 'create', at('more'), ...bad, ...pin), EXIT.usage);
  assert.match(said.stderr, /--key must be .* without a PIN/);
  assert.equal(await lethe('keys', 'create', at('more'), ...token('sign'), '--pin-fd', '999'), 1);
  assert.match(said.stderr, /It failed/);
  assert.ok(!existsSync(at('more')));
});

test('builders are made known, and builds compared', async () => {
  for (const name of ['anna', 'berta']) {
    assert.equal(await lethe('builder', name, '--builder-key', at(`${name}.key`)), 0, said.stderr);
    await sampleBuild(at(name), name === 'berta' ? { contents: { cmdline: 'loud' } } : {});
    await writeStatement(at(name), name, builderKey(at(`${name}.key`)));
  }
  const entries = said.stdout.trim().split('\n');
  writeFileSync(at('builders.json'), `{"builders":[${entries.join(',')}]}`);
  const compare = ['compare', at('anna'), at('berta'), '--builders', at('builders.json')];
  assert.equal(await lethe(...compare, '--diffoscope'), 1);
  assert.match(said.stdout, /anna and berta do not agree[^]*cmdline +from byte 0 on +line 1/);
  assert.match(said.stderr, /^\+loud$/m);
  said.stdout = '';
  assert.equal(await lethe(...compare, '--json'), 1);
  const answer = JSON.parse(said.stdout) as { builders: string[]; differences: { file: string }[] };
  assert.deepEqual(answer.builders, ['anna', 'berta']);
  assert.ok(answer.differences.some(({ file }) => file === 'uki.efi'));
  await sampleBuild(at('berta'));
  await writeStatement(at('berta'), 'berta', builderKey(at('berta.key')));
  assert.equal(await lethe(...compare), 0);
  assert.match(said.stdout, /anna and berta came to the same bytes/);
  assert.match(defaultBuilderKey('anna'), /\.lethe\/image\/builders\/anna\.key$/);
});

test('a build is signed by the builder that is named, and by nobody otherwise', async () => {
  await sampleBuild(at('stated'));
  assert.equal(await state({ out: at('stated') }, releaseDeps()), 0);
  assert.ok(!existsSync(at('stated/statement.json')));
  const flags = { out: at('stated'), builder: 'anna', builderKey: at('anna.key') };
  assert.equal(await state(flags, releaseDeps()), 0, said.stderr);
  assert.ok(existsSync(at('stated/statement.json')));
  assert.match(said.stdout, /statement.json, signed by anna/);
});

test('signing wants two statements and a keyring, verifying a release', async () => {
  const sign = (...statements: string[]) =>
    lethe(
      'sign',
      ...token('next'),
      ...pin,
      '--builders',
      at('builders.json'),
      '--keys',
      at('keys'),
      '--out',
      at('out'),
      '--build',
      at('anna'),
      '--statement',
      ...statements,
    );
  assert.equal(await sign('a'), EXIT.usage);
  assert.match(said.stderr, /exactly two statements/);
  assert.equal(await sign(at('anna/statement.json'), at('anna/statement.json')), 1);
  assert.match(said.stderr, /both builds are by anna/);
  assert.ok(!existsSync(at('out')));
  said.stdout = '';
  assert.equal(
    await lethe('verify', at('anna'), '--rebuild', at('anna'), '--json', '--builders', at('builders.json')),
    1,
  );
  const { sound, steps } = JSON.parse(said.stdout) as { sound: boolean; steps: { result: string }[] };
  assert.equal(sound, false);
  assert.equal(steps.length, 8);
  assert.match(said.stderr, /✗ the download is whole/);
  assert.equal(await lethe('pcrs', at('anna'), '--keys', at('keys')), 1);
  assert.match(said.stderr, /uki.signed.efi is not there/);
  await sampleBuild(at('probe'), { variant: 'probe' });
  assert.equal(await lethe('verify', at('probe')), EXIT.usage);
  assert.match(said.stderr, /a 'probe' is made from a build of your own/);
  writeFileSync(at('anna/operator.json'), '{}');
  assert.equal(await lethe('verify', at('anna')), 1);
  assert.match(said.stderr, /operator.json: line 1/);
});

test('at a real terminal the PIN is typed unseen, and the keys are made', async () => {
  const main = join(import.meta.dirname, '../../../cmd/lethe.ts');
  const words = [...token('sign'), 'keys', 'create', at('typed')].map((word) => `'${word}'`);
  const command = `${process.execPath} ${main} image ${[...words.slice(-3), ...words.slice(0, 4)].join(' ')}`;
  // The keys are pressed once the question is shown, as a person would.
  const typing = `(until grep -qs PIN: "$1"; do sleep 0.05; done; printf '314159\\r') | script -qefc "$2" "$1"`;
  const env = { SOFTHSM2_CONF: at('softhsm2.conf') };
  const shown = await run(['sh', '-euc', typing, 'sh', at('typescript'), command], { env });
  assert.match(shown, /PIN: \r?\n/);
  assert.ok(!shown.includes('314159') && !readFileSync(at('typescript'), 'utf8').includes('314159'));
  assert.equal(readKeyring(at('typed')).db.length, 1);
});
