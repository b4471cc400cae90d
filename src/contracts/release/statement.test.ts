// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { below, seededRandom } from '../../core/random/random.ts';
import {
  type Built,
  believe,
  builderEntry,
  claimOf,
  digestsOf,
  makeStatement,
  parseBuilders,
  type Statement,
  signStatement,
} from './statement.ts';

const newKey = () => generateKeyPairSync('ed25519').privateKey;
const [first, second, stranger] = [newKey(), newKey(), newKey()];
const BUILDERS = new Map([
  ['anna', createPublicKey(first)],
  ['berta', createPublicKey(second)],
]);
const BUILT: Built = {
  version: '0.2.0',
  variant: 'release',
  commit: 'ab'.repeat(20),
  inputs: '11'.repeat(32),
  packagesLock: '22'.repeat(32),
  toolsLock: '33'.repeat(32),
  node: `sha512-${'A'.repeat(86)}==`,
};
const DIGESTS = { 'uki.efi': '44'.repeat(32), 'root.img': '55'.repeat(32) };
const statement = makeStatement('anna', BUILT, DIGESTS);

function problem(text: string): string | undefined {
  const read = believe(text, BUILDERS);
  return 'problem' in read ? read.problem : undefined;
}

test('a known builder is believed, and what was signed comes back', () => {
  const text = signStatement(statement, first);
  const read = believe(text, BUILDERS);
  assert.ok(!('problem' in read));
  assert.equal(read.builder, 'anna');
  assert.deepEqual(read.statement, statement);
  assert.deepEqual(digestsOf(read.statement), DIGESTS);
  assert.equal(signStatement(statement, first), text, 'the same each time');
});

test('statements of two builders differ in the builder alone', () => {
  assert.equal(claimOf(makeStatement('berta', BUILT, DIGESTS)), claimOf(statement));
  assert.notEqual(claimOf(makeStatement('berta', { ...BUILT, inputs: '00'.repeat(32) }, DIGESTS)), claimOf(statement));
  const { commit: _commit, ...outside } = BUILT;
  const probe = makeStatement('anna', { ...outside, variant: 'probe' }, DIGESTS);
  assert.deepEqual(probe.predicate.buildDefinition.externalParameters, {
    version: '0.2.0',
    variant: 'probe',
    source: null,
  });
});

test('the envelope is DSSE: its signature covers type and payload', () => {
  const envelope = JSON.parse(signStatement(statement, first)) as { payload: string; signatures: { sig: string }[] };
  const payload = Buffer.from(envelope.payload, 'base64').toString();
  const type = 'application/vnd.in-toto+json';
  const encoded = `DSSEv1 ${type.length} ${type} ${payload.length} ${payload}`;
  assert.equal(envelope.signatures[0]?.sig, sign(null, Buffer.from(encoded), first).toString('base64'));
});

test('nobody else is believed, and nothing else', () => {
  const envelope = () =>
    JSON.parse(signStatement(statement, first)) as {
      payload: string;
      payloadType: string;
      signatures: { keyid: string; sig: string }[];
    };
  const changed = (change: (value: ReturnType<typeof envelope>) => void) => {
    const value = envelope();
    change(value);
    return problem(JSON.stringify(value));
  };
  assert.equal(
    changed(() => undefined),
    undefined,
  );
  assert.equal(problem(signStatement(statement, stranger)), 'unknown builder');
  assert.equal(problem(signStatement(statement, second)), 'signed by another than it names');
  assert.equal(
    changed((value) => (value.payload = `${value.payload.slice(0, -4)}AAA=`)),
    'wrong signature',
  );
  assert.equal(
    changed((value) => (value.payloadType = 'text/plain')),
    'not a statement',
  );
  assert.equal(
    changed((value) => value.signatures.push(...value.signatures)),
    'not a statement',
  );
  assert.equal(
    changed((value) => Object.assign(value, { more: 1 })),
    'not a statement',
  );
  assert.equal(problem('{'), 'not a statement');
  const unlike = (change: (value: Record<string, unknown>) => void) => {
    const value = structuredClone(statement) as unknown as Record<string, unknown>;
    change(value);
    return problem(signStatement(value as unknown as Statement, first));
  };
  assert.equal(
    unlike(() => undefined),
    undefined,
  );
  assert.equal(
    unlike((value) => (value['_type'] = 'other')),
    'not a statement',
  );
  assert.equal(
    unlike((value) => (value['note'] = 'x')),
    'not a statement',
  );
  assert.equal(
    unlike((value) => (value['subject'] = [])),
    'not a statement',
  );
  assert.equal(
    unlike((value) => (value['subject'] = [{ name: '../x', digest: { sha256: '0' } }])),
    'not a statement',
  );
});

test('known builders have names and keys of their own', () => {
  const file = (...builders: unknown[]) => parseBuilders(JSON.stringify({ builders }));
  const good = file(builderEntry('anna', first), builderEntry('berta', second));
  assert.ok(!('problem' in good));
  assert.deepEqual([...good.keys()], ['anna', 'berta']);
  const refused = (...builders: unknown[]) => assert.ok('problem' in file(...builders), JSON.stringify(builders));
  refused();
  refused(builderEntry('Anna', first));
  refused(builderEntry('anna', first), builderEntry('anna', second));
  refused(builderEntry('anna', first), builderEntry('berta', first));
  refused({ name: 'anna', key: 'AAAA' });
  refused({ ...builderEntry('anna', first), trusted: true });
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  refused(builderEntry('anna', rsa));
});

test('junk is never believed', () => {
  const random = seededRandom('statement');
  const text = signStatement(statement, first);
  for (let round = 0; round < 3000; round += 1) {
    const bytes = Buffer.from(text);
    for (let change = 0; change <= round % 3; change += 1) {
      bytes[below(random, bytes.length)] = 32 + below(random, 95);
    }
    const read = believe(bytes.toString('latin1'), BUILDERS);
    // Blanks may differ, and the last digit of base64 has bits that count for nothing.
    if (!('problem' in read)) assert.deepEqual(read.statement, statement);
  }
});
