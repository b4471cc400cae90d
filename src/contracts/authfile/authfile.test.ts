// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import {
  type SampleCustomer,
  sampleCustomers,
  sampleLogins,
  samplePeers,
} from '../../../proof/labs/customers/sample.ts';
import type { Entitlement, LicenceId, UsageTag } from '../../core/licences/licence.ts';
import { seededRandom } from '../../core/random/random.ts';
import type { Peer } from './authfile.ts';
import { LONGEST, nameKeyOf, verifierOf } from './credential.ts';
import { SALT } from './layout.ts';
import { openAuthFile, type SealedAuthFile } from './open.ts';
import { type AuthFileContent, sealAuthFile } from './seal.ts';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const random = seededRandom('auth file');
const SALTED = random.bytes(SALT);

function opened(content: Partial<AuthFileContent>): SealedAuthFile {
  const file = openAuthFile(
    sealAuthFile({ version: 1, salt: SALTED, logins: [], peers: [], ...content }, privateKey),
    publicKey,
  );
  if (typeof file === 'string') assert.fail(file);
  return file;
}

/** Username and password somewhere in a bigger buffer, as a socket leaves them. */
function placed(...parts: readonly string[]): { bytes: Uint8Array; at: number[] } {
  const bytes = Buffer.from(`..${parts.join('....')}...`);
  const at: number[] = [];
  let start = 2;
  for (const part of parts) {
    at.push(start, start + Buffer.byteLength(part));
    start += Buffer.byteLength(part) + 4;
  }
  return { bytes: new Uint8Array(bytes), at };
}

function login(file: SealedAuthFile, username: string, password: string): Entitlement | undefined {
  const { bytes, at } = placed(username, password);
  const before = Uint8Array.from(bytes);
  const found = file.login(bytes, ...(at as [number, number, number, number]));
  assert.deepEqual(bytes, before, "the caller's bytes stay as they are");
  return found;
}

function name(file: SealedAuthFile, username: string) {
  const { bytes, at } = placed(username);
  return file.name(bytes, ...(at as [number, number]));
}

const plain = (entitlement: Entitlement | undefined) =>
  entitlement && {
    licence: entitlement.licence,
    expiresOn: entitlement.expiresOn,
    seats: entitlement.seats,
    usageTag: entitlement.usageTag,
  };

test('every customer is found by login and by name, and nobody else', () => {
  for (const count of [0, 1, 2, 7, 1000]) {
    const customers = sampleCustomers(random, count);
    const logins = sampleLogins(SALTED, customers, random);
    const file = opened({ version: 42, logins });
    assert.equal(file.version, 42);
    customers.forEach(({ username, password, entitlement }, index) => {
      assert.deepEqual(plain(login(file, username, password)), entitlement);
      const named = name(file, username);
      assert.deepEqual(plain(named?.entitlement), entitlement);
      assert.deepEqual(named?.ntHash, logins[index]?.ntHash);
      assert.equal(login(file, username, `${password}x`), undefined);
      assert.equal(login(file, username.slice(1), password), undefined);
      assert.equal(name(file, `${username}x`), undefined);
    });
    assert.equal(login(file, 'nobody', 'nothing'), undefined);
    assert.equal(login(file, '', ''), undefined);
    assert.equal(name(file, ''), undefined);
  }
});

test('entitlements keep their greatest and smallest values', () => {
  const extremes = [
    { licence: 1, expiresOn: 0, seats: 1, usageTag: '0000000000000000' },
    { licence: 2 ** 39 - 1, expiresOn: 65_535, seats: 255, usageTag: 'ffffffffffffffff' },
    { licence: 2 ** 32, expiresOn: 20_000, seats: 128, usageTag: '80000000f0000001' },
  ] as Entitlement[];
  const customers = sampleCustomers(random, extremes.length).map(({ username, password }, index) => ({
    username,
    password,
    entitlement: extremes[index] as Entitlement,
  }));
  const file = opened({ logins: sampleLogins(SALTED, customers, random) });
  for (const { username, password, entitlement } of customers) {
    assert.deepEqual(plain(login(file, username, password)), entitlement);
  }
});

test('odd usernames and passwords are bytes like any other', () => {
  const odd = ['', '\0', 'a\nb', 'ÄÖ€🜔', "';--", 'x'.repeat(LONGEST), ' '];
  const customers = odd.map(
    (text, index): SampleCustomer => ({
      username: `${text}${text.length === LONGEST ? '' : index}`,
      password: text,
      entitlement: sampleCustomers(random, 1)[0]?.entitlement as Entitlement,
    }),
  );
  const file = opened({ logins: sampleLogins(SALTED, customers, random) });
  for (const { username, password, entitlement } of customers) {
    assert.deepEqual(plain(login(file, username, password)), entitlement);
    assert.deepEqual(plain(name(file, username)?.entitlement), entitlement);
  }
});

test('what is too long is unknown without being hashed', () => {
  const file = opened({ logins: sampleLogins(SALTED, sampleCustomers(random, 3), random) });
  const long = 'x'.repeat(10_000_000);
  assert.equal(login(file, long, 'p'), undefined);
  assert.equal(login(file, 'u', long), undefined);
  assert.equal(name(file, long), undefined);
  assert.throws(() => verifierOf(SALTED, 'x'.repeat(LONGEST + 1), 'p'), RangeError);
  assert.equal(LONGEST, 255, 'the longest that OpenVPN and EAP carry');
  assert.throws(() => nameKeyOf(SALTED.subarray(1), 'u'), RangeError);
});

test('a file of another kind is told by its first bytes, before anything is verified', () => {
  const bytes = sealAuthFile({ version: 1, salt: SALTED, logins: [], peers: [] }, privateKey);
  for (let at = 0; at < 8; at += 1) {
    const other = Uint8Array.from(bytes);
    other[at] = (other[at] as number) ^ 1;
    assert.equal(openAuthFile(other, publicKey), 'format', `byte ${at}`);
  }
});

test('peers are found by their keys and listed in order', () => {
  const plainPeer = ({ publicKey: key, host, entitlement }: Peer) => ({ key: [...key], host, ...plain(entitlement) });
  for (const count of [0, 1, 300]) {
    const peers = samplePeers(random, count);
    const file = opened({ logins: sampleLogins(SALTED, sampleCustomers(random, 2), random), peers });
    for (const peer of peers) {
      const bytes = Uint8Array.from([9, 9, 9, ...peer.publicKey, 9]);
      const found = file.peer(bytes, 3);
      assert.ok(found);
      assert.deepEqual(plainPeer(found), plainPeer(peer));
      bytes[34] = (bytes[34] as number) ^ 1;
      assert.equal(file.peer(bytes, 3), undefined);
      assert.equal(file.peer(bytes, 5), undefined, 'too few bytes');
    }
    const listed = [...file.peers()].map(plainPeer);
    const byKey = (a: { key: number[] }, b: { key: number[] }) =>
      Buffer.compare(Buffer.from(a.key), Buffer.from(b.key));
    assert.deepEqual(listed, peers.map(plainPeer).toSorted(byKey));
  }
});

test('peers who crowd under one beginning are still told apart', () => {
  const beginning = random.bytes(4);
  const peers = samplePeers(random, 200).map(({ host, entitlement, publicKey: key }, index) => ({
    host,
    entitlement,
    publicKey: Uint8Array.from([...(index % 2 === 0 ? beginning : [beginning[0] as number]), ...key]).subarray(0, 32),
  }));
  const file = opened({ peers });
  for (const peer of peers) assert.equal(file.peer(peer.publicKey, 0)?.host, peer.host);
  assert.equal(file.peer(Uint8Array.from([...beginning, ...random.bytes(28)]), 0), undefined);
});

test('an entitlement outlives its file and tells nothing by itself', () => {
  const [customer] = sampleCustomers(random, 1) as [SampleCustomer];
  const found = login(
    opened({ logins: sampleLogins(SALTED, [customer], random) }),
    customer.username,
    customer.password,
  );
  assert.equal(JSON.stringify(found), '{}');
  assert.equal(found?.usageTag, customer.entitlement.usageTag);
});

test('what the layout cannot hold is not sealed', () => {
  const [login0, login1] = sampleLogins(SALTED, sampleCustomers(random, 2), random) as [Login, Login];
  const [peer0, peer1] = samplePeers(random, 2) as [PeerOf, PeerOf];
  const entitled = (change: Partial<Entitlement>) => [{ ...login0, entitlement: { ...login0.entitlement, ...change } }];
  const wrong: Partial<AuthFileContent>[] = [
    { version: -1 },
    { version: 0.5 },
    { salt: new Uint8Array(13) },
    { logins: [{ ...login0, verifier: new Uint8Array(15) }] },
    { logins: [{ ...login0, nameKey: new Uint8Array(0) }] },
    { logins: [{ ...login0, ntHash: new Uint8Array(17) }] },
    { logins: [login0, login0] },
    { logins: [login0, { ...login1, nameKey: login0.nameKey }] },
    { logins: entitled({ licence: 0 as LicenceId }) },
    { logins: entitled({ licence: (2 ** 39) as LicenceId }) },
    { logins: entitled({ seats: 0 }) },
    { logins: entitled({ seats: 1.5 }) },
    { logins: entitled({ expiresOn: 65_536 as Entitlement['expiresOn'] }) },
    { logins: entitled({ usageTag: 'FFFFFFFFFFFFFFFF' as UsageTag }) },
    { peers: [{ ...peer0, publicKey: new Uint8Array(31) }] },
    { peers: [{ ...peer0, host: 1 }] },
    { peers: [{ ...peer0, host: 2 ** 24 }] },
    { peers: [{ ...peer0, host: 2.5 }] },
    { peers: [peer0, { ...peer1, host: peer0.host }] },
    { peers: [peer0, { ...peer1, publicKey: peer0.publicKey }] },
  ];
  for (const content of wrong) assert.throws(() => opened(content), RangeError);
});

type Login = AuthFileContent['logins'][0];
type PeerOf = AuthFileContent['peers'][0];
