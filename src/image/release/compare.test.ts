// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sampleBuild } from '../../../proof/labs/release/sample-build.os.ts';
import { type Builders, builderEntry } from '../../contracts/release/statement.ts';
import { builderKey, readBuilders, readStatement, STATEMENT_FILE, writeStatement } from './builders.os.ts';
import { assertAgreement, compareBuilds, differingParts, diffoscope, firstDifference } from './compare.os.ts';
import { ReleaseRefused } from './refusal.ts';

const directory = mkdtempSync(join(tmpdir(), 'lethe-compare-'));
const at = (...names: string[]) => join(directory, ...names);
let builders: Builders;

async function built(
  name: string,
  builder: string,
  contents: Record<string, string | Uint8Array> = {},
): Promise<string> {
  await sampleBuild(at(name), { contents });
  await writeStatement(at(name), builder, builderKey(at('keys', `${builder}.key`)));
  return at(name);
}

before(() => {
  const entries = ['anna', 'berta'].map((name) => builderEntry(name, builderKey(at('keys', `${name}.key`))));
  writeFileSync(at('builders.json'), JSON.stringify({ builders: entries }));
  builders = readBuilders(at('builders.json'));
});
after(() => rmSync(directory, { recursive: true }));

const refused =
  (code: string, message = /./) =>
  (error: unknown) => {
    assert.ok(error instanceof ReleaseRefused, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };

test("a builder's key is made once and closed, and only an Ed25519 key is one", () => {
  const file = at('keys', 'anna.key');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.ok(createPublicKey(builderKey(file)).equals(builders.get('anna') as never));
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  writeFileSync(at('rsa.key'), rsa.export({ type: 'pkcs8', format: 'pem' }));
  assert.throws(() => builderKey(at('rsa.key')), refused('builders'));
});

test('two builders with the same bytes agree', async () => {
  const [a, b] = [await built('a', 'anna'), await built('b', 'berta')];
  const { builders: names, differences } = await compareBuilds(a, b, builders);
  assert.deepEqual(
    names.map(({ builder }) => builder),
    ['anna', 'berta'],
  );
  assert.deepEqual(differences, []);
});

test('one builder is not two', async () => {
  const [a, b] = [await built('a', 'anna'), await built('again', 'anna')];
  await assert.rejects(compareBuilds(a, b, builders), refused('same builder'));
});

test('what differs is named: the file, the byte, and what stands there', async () => {
  const a = await built('a', 'anna');
  const root = new Uint8Array(readFileSync(join(a, 'root.img')));
  root[1000] = 0;
  const b = await built('other', 'berta', { 'root.img': root, cmdline: 'quiet', 'initrd.zst': new Uint8Array(9000) });
  const { differences } = await compareBuilds(a, b, builders);
  const found = new Map(differences.map(({ file, offset, part }) => [file, { offset, part }]));
  assert.deepEqual(found.get('root.img'), { offset: 1000, part: 'file system' });
  assert.deepEqual(found.get('cmdline'), { offset: 5, part: 'line 1' });
  assert.deepEqual(found.get('initrd.zst'), { offset: 0, part: 'content' });
  assert.ok(found.has('uki.efi') && found.has('build.json'));
  const tree = new Uint8Array(readFileSync(join(a, 'root.img')));
  tree[65_537] = 0;
  const c = await built('tree', 'berta', { 'root.img': tree });
  const difference = (await compareBuilds(a, c, builders)).differences.find(({ file }) => file === 'root.img');
  assert.equal(difference?.part, 'hash tree');
  assert.throws(
    () =>
      assertAgreement(
        readStatement(join(a, STATEMENT_FILE), builders),
        readStatement(join(c, STATEMENT_FILE), builders),
      ),
    refused('different bytes', /anna and berta do not agree on build.json, root.img/),
  );
});

test('a section of a program is named, and a difference of length is found', async () => {
  const [a, b] = [await built('a', 'anna'), await built('section', 'berta', { 'os-release': 'ID=lethy\n' })];
  const { differences } = await compareBuilds(a, b, builders);
  const uki = differences.find(({ file }) => file === 'uki.efi');
  assert.equal(uki?.part, '.osrel');
  assert.equal(readFileSync(join(b, 'uki.efi'))[uki?.offset ?? 0], 'y'.charCodeAt(0));
  writeFileSync(at('short'), 'abc');
  writeFileSync(at('long'), 'abcd');
  assert.equal(firstDifference(at('short'), at('long')), 3);
  assert.equal(differingParts(at('short'), at('long'), 3), 'line 1');
  truncateSync(at('long'), 65 * 2 ** 20);
  assert.equal(differingParts(at('short'), at('long'), 3), 'content');
});

test('an operator of its own is a difference, and a file of only one builder is named', async () => {
  const a = await built('a', 'anna');
  await sampleBuild(at('operator'));
  writeFileSync(at('operator', 'operator.json'), '{}');
  await writeStatement(at('operator'), 'berta', builderKey(at('keys', 'berta.key')));
  const { differences } = await compareBuilds(a, at('operator'), builders);
  assert.deepEqual(differences, [{ file: 'operator.json', offset: undefined, part: `only in ${at('operator')}` }]);
  const turned = await compareBuilds(at('operator'), a, builders);
  assert.equal(turned.differences[0]?.part, `only in ${at('operator')}`);
});

test('a build without a statement, without files, or with other files than signed is refused', async () => {
  const a = await built('a', 'anna');
  const b = await built('bad', 'berta');
  writeFileSync(join(b, 'vmlinuz'), 'another');
  await assert.rejects(compareBuilds(a, b, builders), refused('statement', /vmlinuz is not what berta signed/));
  rmSync(join(b, 'vmlinuz'));
  await assert.rejects(compareBuilds(a, b, builders), refused('build', /vmlinuz is not there/));
  rmSync(join(b, STATEMENT_FILE));
  await assert.rejects(compareBuilds(a, b, builders), refused('statement', /nobody has signed/));
  const stranger = await built('stranger', 'berta');
  await writeStatement(stranger, 'berta', builderKey(at('keys', 'stranger.key')));
  await assert.rejects(compareBuilds(a, stranger, builders), refused('statement', /unknown builder/));
  await assert.rejects(writeStatement(a, 'Anna B', builderKey(at('keys', 'anna.key'))), refused('builders'));
  await assert.rejects(writeStatement(at('keys'), 'anna', builderKey(at('keys', 'anna.key'))), refused('build'));
  writeFileSync(join(b, 'build.json'), '{}');
  await assert.rejects(writeStatement(b, 'anna', builderKey(at('keys', 'anna.key'))), refused('build'));
  assert.throws(() => readBuilders(at('nobody.json')), refused('builders'));
  writeFileSync(at('none.json'), '{"builders":[]}');
  assert.throws(() => readBuilders(at('none.json')), refused('builders'));
});

test('diffoscope reports on a file that differs', async () => {
  const [a, b] = [await built('a', 'anna'), await built('report', 'berta', { cmdline: 'loud\n' })];
  const report = await diffoscope(a, b, 'cmdline');
  assert.match(report ?? '', /^\+loud$/m);
  assert.equal((await diffoscope(a, a, 'cmdline'))?.trim(), '');
});
