// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { EXAMPLE_LOCATIONS, exampleMaterial } from '../../../proof/labs/profiles/example.ts';
import { systemClock } from '../../core/clock/clock.ts';
import { systemRandom } from '../../core/random/random.ts';
import { openNamespace } from '../../host/namespaces/namespace.os.ts';
import { untilReady } from '../../host/processes/ready.os.ts';
import { certificateBase64 } from './profile.ts';
import { authorityFile, sswanProfile, swanctlProfile } from './strongswan.ts';

const material = await exampleMaterial({ clock: systemClock, random: systemRandom });
const [zurich, newYork] = EXAMPLE_LOCATIONS;

test('the Android profile is the JSON that the app documents', () => {
  const [gateway] = newYork.gateways;
  assert.ok(gateway);
  const { fileName, contentType, content } = sswanProfile(material, newYork, gateway);
  assert.equal(fileName, 'lethe-nyc-01.sswan');
  assert.equal(contentType, 'application/vnd.strongswan.profile');
  const { uuid, ...profile } = JSON.parse(content) as { uuid: string };
  assert.match(uuid, /^[0-9a-f-]{36}$/);
  assert.deepEqual(profile, {
    name: 'Lethe: New York, United States',
    type: 'ikev2-eap',
    remote: { addr: '192.0.2.3', id: 'nyc-01.vpn.example', cert: certificateBase64(material.caCertificate) },
    'ike-proposal': 'aes256gcm16-prfsha384-ecp384',
    'esp-proposal': 'aes256gcm16-ecp384',
  });
});

test('several gateways give several profiles, each with a name of its own', () => {
  const names = zurich.gateways.map((gateway) => sswanProfile(material, zurich, gateway));
  assert.deepEqual(
    names.map((profile) => profile.fileName),
    ['lethe-zrh-01.sswan', 'lethe-zrh-02.sswan'],
  );
  assert.match(names[1]?.content ?? '', /"name": "Lethe: Zürich, Switzerland \(zrh-02\)"/);
});

const CHARON = `charon {
  load_modular = no
  load = random nonce openssl hmac kdf drbg pem pkcs1 pkcs8 x509 pubkey constraints kernel-netlink socket-default vici
  plugins { vici { socket = unix:///run/vici.sock } }
}
`;

test('swanctl loads the connections, the authority and the login into a charon', async () => {
  const namespace = await openNamespace();
  try {
    const outside = `/proc/${namespace.pid}/root/run`;
    mkdirSync(`${outside}/swanctl/x509ca`, { recursive: true });
    writeFileSync(`${outside}/strongswan.conf`, CHARON);
    writeFileSync(`${outside}/swanctl/swanctl.conf`, swanctlProfile(material, zurich).content);
    const authority = authorityFile(material);
    writeFileSync(`${outside}/swanctl/x509ca/${authority.fileName}`, authority.content);
    const env = { STRONGSWAN_CONF: '/run/strongswan.conf', SWANCTL_DIR: '/run/swanctl' };
    const charon = await namespace.spawn(['/usr/lib/ipsec/charon'], { env });
    await untilReady(charon, 'charon', () => existsSync(`${outside}/vici.sock`));
    const uri = ['--uri', 'unix:///run/vici.sock'];
    const loaded = await namespace.run(['swanctl', '--load-all', ...uri], { env });
    assert.match(loaded, /loaded certificate from '\/run\/swanctl\/x509ca\/lethe-ca\.crt'/);
    assert.match(loaded, /loaded eap secret 'eap-lethe'/);
    assert.match(loaded, /successfully loaded 2 connections, 0 unloaded/);
    const listed = await namespace.run(['swanctl', '--list-conns', ...uri], { env });
    assert.match(listed, /remote: 192\.0\.2\.1/);
    assert.match(listed, /id: zrh-01\.vpn\.example/);
    assert.match(listed, /EAP_MSCHAPV2/);
  } finally {
    await namespace.close();
  }
});
