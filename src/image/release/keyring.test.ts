// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type SoftToken, softToken } from '../../../proof/labs/tokens/softhsm.os.ts';
import { parseSignatureLists } from '../../bytes/formats/efi.ts';
import { parseVariableStore } from '../../bytes/formats/varstore.ts';
import {
  enrolledStore,
  fingerprint,
  type Keyring,
  nextTime,
  parseKeyring,
  printKeyring,
  revoked,
  secureBootVariables,
  signerCertificate,
} from '../../contracts/release/keyring.ts';
import { ManualClock } from '../../core/clock/clock.ts';
import { systemRandom } from '../../core/random/random.ts';
import { run } from '../../host/processes/process.os.ts';
import { TokenKey } from '../tokens/token.os.ts';
import { addSigner, createKeyring, readKeyring, replaceKey, retireSigner, revokeHash } from './ceremony.os.ts';
import { ReleaseRefused } from './refusal.ts';

const directory = mkdtempSync(join(tmpdir(), 'lethe-keyring-'));
const at = (name: string) => join(directory, 'keys', name);
const clock = new ManualClock(Date.UTC(2026, 10, 24, 11, 5, 9, 500));
const deps = { clock, random: systemRandom };
const TEMPLATE = readFileSync('/usr/share/OVMF/OVMF_VARS_4M.fd');
const HASH = 'ab'.repeat(32);
let soft: SoftToken;
let first: Keyring;

before(async () => {
  soft = await softToken(directory);
  first = await createKeyring(deps, at(''), 'Operator', soft.key, soft.pin);
});
after(() => rmSync(directory, { recursive: true }));

const refused = (code: string) => (error: unknown) => error instanceof ReleaseRefused && error.code === code;

test('the ceremony makes PK and KEK as files that are closed, and the certificate of a key in the token', async () => {
  for (const name of ['PK.key', 'KEK.key']) assert.equal(statSync(at(name)).mode & 0o777, 0o600, name);
  assert.equal(statSync(at('')).mode & 0o777, 0o700);
  assert.equal(first.time, '2026-11-24T11:05:09Z');
  const key = await soft.key.publicKey();
  const [db = ''] = first.db;
  const certificate = new X509Certificate(db);
  assert.ok(certificate.verify(key));
  assert.equal(certificate.subject, 'CN=Operator release');
  assert.equal(signerCertificate(first, key.export({ type: 'spki', format: 'der' })), db);
  assert.equal(
    signerCertificate(first, new X509Certificate(first.PK).publicKey.export({ type: 'spki', format: 'der' })),
    undefined,
  );
  assert.ok(!readdirSync(at('')).some((name) => /db.*key/.test(name)));
  await assert.rejects(createKeyring(deps, at(''), 'Operator', soft.key, soft.pin), refused('keyring'));
});

test('the enrolled store holds the keys, Secure Boot is on, and it is the same each time', () => {
  const store = readFileSync(at('enrol/OVMF_VARS.fd'));
  assert.deepEqual(Buffer.from(enrolledStore(TEMPLATE, first) as Uint8Array), store);
  const variables = parseVariableStore(store);
  assert.ok(!('problem' in variables));
  const held = secureBootVariables(first);
  assert.deepEqual(
    variables.map(({ name }) => name),
    ['SecureBootEnable', 'CustomMode', 'PK', 'KEK', 'db'],
  );
  for (const { name, data, time } of variables.slice(2)) {
    assert.deepEqual(data, held[name as 'PK'], name);
    assert.equal(time, Date.UTC(2026, 10, 24, 11, 5, 9));
    assert.deepEqual(readFileSync(at(`enrol/${name}.esl`)), Buffer.from(data));
  }
  assert.equal(held.dbx.length, 0);
  assert.ok('problem' in (enrolledStore(new Uint8Array(10), first) as object));
});

test('signed updates carry the time, the list and a signature of the right key', async () => {
  for (const [name, by] of [
    ['PK', 'PK'],
    ['KEK', 'PK'],
    ['db', 'KEK'],
    ['dbx', 'KEK'],
  ] as const) {
    const update = readFileSync(at(`enrol/${name}.auth`));
    assert.equal(update.readUInt16LE(0), 2026, name);
    assert.deepEqual([...update.subarray(2, 7)], [11, 24, 11, 5, 9], name);
    assert.ok(
      update
        .subarray(update.length - readFileSync(at(`enrol/${name}.esl`)).length)
        .equals(readFileSync(at(`enrol/${name}.esl`))),
      name,
    );
    const subject = Buffer.from(`Operator ${by}`);
    assert.ok(update.includes(subject), `${name} is signed by ${by}`);
  }
});

test('revocation adds one hash, once, at a later time, also when the clock went back', async () => {
  clock.jump(-86_400_000);
  const after = await revokeHash(deps, at(''), HASH);
  clock.jump(86_400_000);
  assert.deepEqual(after.revoked, [HASH]);
  assert.equal(after.time, '2026-11-24T11:05:10Z');
  assert.deepEqual(readKeyring(at('')), after);
  assert.deepEqual(
    parseSignatureLists(readFileSync(at('enrol/dbx.esl')))?.map(({ data }) => data.toHex()),
    [HASH],
  );
  assert.deepEqual(revoked(after, HASH, 0).revoked, [HASH]);
  assert.equal(nextTime(after, Date.UTC(2030, 0, 1)), '2030-01-01T00:00:00Z');
});

test('a new signer is added before the old one is retired', async () => {
  const key = new TokenKey(soft, { token: 'release', key: 'object:next' });
  await key.generate(soft.pin, '09', 2048);
  const both = await addSigner(deps, at(''), 'Operator', key, soft.pin);
  assert.equal(both.db.length, 2);
  assert.ok(existsSync(at('enrol/db-2.cer')));
  const old = fingerprint(both.db[0] as string);
  await assert.rejects(retireSigner(deps, at(''), old.slice(0, 4)), refused('keyring'));
  const one = await retireSigner(deps, at(''), old.slice(0, 12));
  assert.deepEqual(one.db, both.db.slice(1));
  assert.ok(!existsSync(at('enrol/db-2.cer')));
  await assert.rejects(retireSigner(deps, at(''), fingerprint(one.db[0] as string)), /nothing boots/);
});

test('PK and KEK are replaced, and the update is signed by what machines trust', async () => {
  const before = readKeyring(at(''));
  const KEK = await replaceKey(deps, at(''), 'KEK', 'Operator');
  assert.notEqual(KEK.KEK, before.KEK);
  assert.equal(KEK.PK, before.PK);
  const oldPk = new X509Certificate(KEK.PK);
  const PK = await replaceKey(deps, at(''), 'PK', 'Operator');
  assert.notEqual(PK.PK, KEK.PK);
  const update = readFileSync(at('enrol/PK.update.auth'));
  assert.ok(update.includes(Buffer.from(oldPk.serialNumber, 'hex')), 'signed by the old PK');
  assert.ok(update.includes(readFileSync(at('enrol/PK.esl'))), 'holds the new one');
  assert.ok(!readFileSync(at('enrol/PK.auth')).includes(Buffer.from(oldPk.serialNumber, 'hex')));
  assert.deepEqual(
    readdirSync(at('')).filter((name) => name.startsWith('previous')),
    [],
  );
  // The key that is left belongs to the certificate that is left.
  await run(['openssl', 'x509', '-in', at('PK.crt'), '-noout', '-checkend', '0']);
  assert.equal(
    await run(['openssl', 'x509', '-in', at('PK.crt'), '-noout', '-pubkey']),
    await run(['openssl', 'pkey', '-in', at('PK.key'), '-pubout']),
  );
});

test('a keyring is closed: nothing else in it, nothing missing, nothing broken', () => {
  const good = JSON.parse(printKeyring(first)) as Record<string, unknown>;
  const problem = (changes: Record<string, unknown>) => {
    const read = parseKeyring(JSON.stringify({ ...good, ...changes }));
    return 'problem' in read ? read.problem : undefined;
  };
  assert.equal(problem({}), undefined);
  assert.match(problem({ note: 'x' }) ?? '', /note: unknown key/);
  assert.match(problem({ owner: 'me' }) ?? '', /owner/);
  assert.match(problem({ time: 'today' }) ?? '', /time/);
  assert.match(problem({ PK: 'x' }) ?? '', /PK/);
  assert.match(problem({ db: [] }) ?? '', /db/);
  assert.match(problem({ revoked: ['AB'] }) ?? '', /revoked/);
  writeFileSync(join(directory, 'keyring.json'), '{}');
  assert.throws(() => readKeyring(directory), refused('keyring'));
  assert.throws(() => readKeyring(join(directory, 'tokens')), /image keys/);
});
