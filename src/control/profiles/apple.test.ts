// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sample, string } from 'fast-check';
import { EXAMPLE_LOCATIONS, exampleMaterial } from '../../../proof/labs/profiles/example.ts';
import { systemClock } from '../../core/clock/clock.ts';
import { systemRandom } from '../../core/random/random.ts';
import { run } from '../../host/processes/process.os.ts';
import { appleProfile } from './apple.ts';
import { writePlist } from './plist.ts';

const material = await exampleMaterial({ clock: systemClock, random: systemRandom });
const [zurich, newYork] = EXAMPLE_LOCATIONS;

/** From Apple's device-management schema, com.apple.vpn.managed, VPNType IKEv2. */
const DOCUMENTED = new Set([
  'IKEv2',
  'RemoteAddress',
  'RemoteIdentifier',
  'LocalIdentifier',
  'AuthenticationMethod',
  'ExtendedAuthEnabled',
  'AuthName',
  'AuthPassword',
  'DeadPeerDetectionRate',
  'OnDemandEnabled',
  'OnDemandRules',
  'Action',
  'DisableRedirect',
  'EnablePFS',
  'IKESecurityAssociationParameters',
  'ChildSecurityAssociationParameters',
  'EncryptionAlgorithm',
  'IntegrityAlgorithm',
  'DiffieHellmanGroup',
  'LifeTimeInMinutes',
]);

/** Through Apple's binary form and back, as another program reads it. */
async function reread(plist: string): Promise<string> {
  return await run(['sh', '-c', 'plistutil -i - -f bin | plistutil -i - -f xml'], { stdin: plist });
}

/** What follows a key, in order of appearance. */
function valuesOf(plist: string, key: string): (string | undefined)[] {
  const pattern = new RegExp(`<key>${key}</key>\\s*<(\\w+)/?>(?:([^<]*)</\\1>)?`, 'g');
  return [...plist.matchAll(pattern)].map((match) => match[2] ?? match[1]);
}

test('plistutil reads the profile as it was written', async () => {
  const { fileName, contentType, content } = appleProfile(material, zurich);
  assert.equal(fileName, 'lethe-ch-zrh.mobileconfig');
  assert.equal(contentType, 'application/x-apple-aspen-config');
  const read = await reread(content);
  assert.deepEqual(valuesOf(read, 'RemoteAddress'), ['192.0.2.1', '192.0.2.2']);
  assert.deepEqual(valuesOf(read, 'RemoteIdentifier'), ['zrh-01.vpn.example', 'zrh-02.vpn.example']);
  assert.deepEqual(valuesOf(read, 'UserDefinedName'), [
    'Lethe: Zürich, Switzerland (zrh-01)',
    'Lethe: Zürich, Switzerland (zrh-02)',
  ]);
  assert.deepEqual(valuesOf(read, 'OnDemandEnabled'), ['0', '0']);
  assert.deepEqual(new Set(valuesOf(read, 'EncryptionAlgorithm')), new Set(['AES-256-GCM']));
  assert.deepEqual(new Set(valuesOf(read, 'DiffieHellmanGroup')), new Set(['20']));
  assert.equal(new Set(valuesOf(read, 'PayloadUUID')).size, 4);
  assert.deepEqual(
    valuesOf(read, 'PayloadType'),
    ['Configuration', 'com.apple.security.root', 'com.apple.vpn.managed', 'com.apple.vpn.managed'].sort(
      (a, b) => valuesOf(read, 'PayloadType').indexOf(a) - valuesOf(read, 'PayloadType').indexOf(b),
    ),
  );
});

test('the tunnel has only keys that Apple documents for IKEv2', () => {
  const { content } = appleProfile(material, newYork, { username: 'name-name-name', password: 'pass-pass-pass' });
  const section = content.slice(content.indexOf('<key>IKEv2</key>'));
  const keys = [...section.matchAll(/<key>(\w+)<\/key>/g)].map((match) => match[1] ?? '');
  assert.deepEqual(
    keys.filter((key) => !DOCUMENTED.has(key)),
    [],
  );
});

test('the authority inside is the one that was given', async () => {
  const read = await reread(appleProfile(material, newYork).content);
  const inside = /<data>([^<]*)<\/data>/.exec(read)?.[1]?.replaceAll(/\s/g, '') ?? '';
  const subject = await run(['openssl', 'x509', '-noout', '-subject'], {
    stdin: `-----BEGIN CERTIFICATE-----\n${inside.replaceAll(/(.{64})/g, '$1\n')}\n-----END CERTIFICATE-----\n`,
  });
  assert.match(subject, /CN = Lethe CA/);
});

test('the password is inside only when the customer gave it', () => {
  const { content } = appleProfile(material, newYork);
  assert.deepEqual([...valuesOf(content, 'AuthName'), ...valuesOf(content, 'AuthPassword')], []);
  const login = { username: 'name-name-name', password: 'pass-pass-pass' };
  const filled = appleProfile(material, newYork, login).content;
  assert.deepEqual(valuesOf(filled, 'AuthName'), [login.username]);
  assert.deepEqual(valuesOf(filled, 'AuthPassword'), [login.password]);
  assert.deepEqual(valuesOf(filled, 'UserDefinedName'), ['Lethe: New York, United States']);
});

test('the same profile is the same bytes, so that a newer one replaces it', () => {
  assert.equal(appleProfile(material, zurich).content, appleProfile(material, zurich).content);
});

test('a property list holds each kind of value', async () => {
  const read = await reread(writePlist({ a: 1, b: true, c: false, d: ['x', { e: '<&>' }], f: new Uint8Array([1, 2]) }));
  assert.match(read, /<key>a<\/key>\s*<integer>1<\/integer>/);
  assert.match(read, /<key>b<\/key>\s*<true\/>\s*<key>c<\/key>\s*<false\/>/);
  assert.match(read, /<string>x<\/string>\s*<dict>\s*<key>e<\/key>\s*<string>&lt;&amp;&gt;<\/string>/);
  assert.match(read, /<data>\s*AQI=\s*<\/data>/);
});

test('any text makes a valid property list, and reads back as it was', async () => {
  const texts = sample(string({ unit: 'binary', minLength: 1 }), 300);
  const plain = texts.map((text) => `<${text}>`);
  // Not by way of the binary form: libplist 2.2.0 breaks its own heap over some rare characters there.
  const read = await run(['plistutil', '-i', '-', '-f', 'xml'], { stdin: writePlist(plain) });
  const strings = read.match(/<string>/g) ?? [];
  assert.equal(strings.length, plain.length);
});
