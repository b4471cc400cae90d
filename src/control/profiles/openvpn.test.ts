// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { EXAMPLE_LOCATIONS, exampleMaterial } from '../../../proof/labs/profiles/example.ts';
import { systemClock } from '../../core/clock/clock.ts';
import { systemRandom } from '../../core/random/random.ts';
import { type Namespace, openNamespace } from '../../host/namespaces/namespace.os.ts';
import { untilSays } from '../../host/processes/ready.os.ts';
import type { Location } from '../fleet/location.ts';
import { openvpnProfile, type Transport } from './openvpn.ts';

const material = await exampleMaterial({ clock: systemClock, random: systemRandom });
const [zurich, newYork] = EXAMPLE_LOCATIONS;

test('a location with several gateways names them all and takes any', () => {
  const { fileName, content } = openvpnProfile(material, zurich, 'udp');
  assert.equal(fileName, 'lethe-ch-zrh-udp.ovpn');
  assert.match(content, /^remote 192\.0\.2\.1 1194 udp\nremote 192\.0\.2\.2 1194 udp\nremote-random$/m);
  assert.match(content, /^verify-x509-name zrh-0 name-prefix$/m);
  assert.match(content, /^explicit-exit-notify 2$/m);
});

test('OpenVPN Connect is told that there is no client certificate, which it would look for outside the file', () => {
  for (const transport of ['udp', 'tcp'] as const) {
    const { content } = openvpnProfile(material, zurich, transport);
    assert.match(content, /^setenv CLIENT_CERT 0$/m);
    assert.doesNotMatch(content, /^<cert>|^<key>/m);
  }
});

test('a login that the customer wants inside is there, and nowhere else', () => {
  const plain = openvpnProfile(material, zurich, 'udp').content;
  const { content } = openvpnProfile(material, zurich, 'udp', { username: 'name-name', password: 'pass-pass' });
  assert.equal(content.replace('<auth-user-pass>\nname-name\npass-pass\n</auth-user-pass>', 'auth-user-pass'), plain);
});

test('a location with one gateway names it in full', () => {
  const { fileName, content } = openvpnProfile(material, newYork, 'tcp');
  assert.equal(fileName, 'lethe-us-nyc-tcp.ovpn');
  assert.match(content, /^verify-x509-name nyc-01\.vpn\.example name$/m);
  assert.match(content, /^remote 192\.0\.2\.3 443 tcp$/m);
  assert.doesNotMatch(content, /remote-random|explicit-exit-notify|auth-user-pass ./);
});

test('gateways whose names share nothing are told by the authority alone', () => {
  const mixed: Location = { ...zurich, gateways: [...zurich.gateways, ...newYork.gateways] };
  assert.doesNotMatch(openvpnProfile(material, mixed, 'udp').content, /verify-x509-name/);
  assert.doesNotMatch(
    openvpnProfile(material, { ...zurich, gateways: [] }, 'udp').content,
    /verify-x509-name|^remote /m,
  );
});

test('a name cannot add a line', () => {
  const { content } = openvpnProfile({ ...material, name: 'x\nscript-security 2' }, zurich, 'udp');
  assert.doesNotMatch(content, /^script-security/m);
});

/** Starts a stock client on the profile where no server answers, and waits until it says what is expected. */
async function tries(namespace: Namespace, transport: Transport, expected: RegExp): Promise<string> {
  const run = `/proc/${namespace.pid}/root/run`;
  writeFileSync(`${run}/profile.ovpn`, openvpnProfile(material, newYork, transport).content);
  writeFileSync(`${run}/login`, 'username\npassword\n', { mode: 0o600 });
  const client = await namespace.spawn(['openvpn', '--config', '/run/profile.ovpn', '--auth-user-pass', '/run/login']);
  await untilSays(client, 'openvpn', expected);
  await client.stop();
  return client.output();
}

test('openvpn takes the profiles and goes to the network', async () => {
  const namespace = await openNamespace();
  try {
    await namespace.run(['ip', 'link', 'add', 'away', 'type', 'veth', 'peer', 'name', 'nobody']);
    await namespace.run(['ip', 'addr', 'add', '192.0.2.9/24', 'dev', 'away']);
    await namespace.run(['ip', 'link', 'set', 'away', 'up']);
    const udp = await tries(namespace, 'udp', /UDPv4 link remote: \[AF_INET\]192\.0\.2\.3:1194/);
    assert.match(udp, /UDPv4 link remote: \[AF_INET\]192\.0\.2\.3:1194/);
    const tcp = await tries(
      namespace,
      'tcp',
      /Attempting to establish TCP connection with \[AF_INET\]192\.0\.2\.3:443/,
    );
    assert.match(tcp, /Attempting to establish TCP connection with \[AF_INET\]192\.0\.2\.3:443/);
    assert.doesNotMatch(udp + tcp, /Options error|DEPRECATED|WARNING: (?!.*cache)/);
  } finally {
    await namespace.close();
  }
});
