// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { EXAMPLE_LOCATIONS, exampleMaterial } from '../../../proof/labs/profiles/example.ts';
import { systemClock } from '../../core/clock/clock.ts';
import { systemRandom } from '../../core/random/random.ts';
import { type Namespace, openNamespace } from '../../host/namespaces/namespace.os.ts';
import { untilReady } from '../../host/processes/ready.os.ts';
import { PRIVATE_KEY_PLACEHOLDER, wireguardProfile } from './wireguard.ts';

const material = await exampleMaterial({ clock: systemClock, random: systemRandom });
const [zurich] = EXAMPLE_LOCATIONS;
const gateway = zurich.gateways[0] as (typeof zurich.gateways)[number];

test('the file has the device’s own addresses and a place for the key', () => {
  const { fileName, content } = wireguardProfile(material, zurich, gateway, 300);
  assert.equal(fileName, 'zrh-01.conf');
  assert.match(content, new RegExp(`^PrivateKey = ${PRIVATE_KEY_PLACEHOLDER}$`, 'm'));
  assert.match(content, /^Address = 100\.64\.1\.44\/32, fd6c:6574:6865:4::12c\/128$/m);
  assert.match(content, /^DNS = 10\.65\.0\.1, fd6c:6574:6865:ff::1$/m);
  assert.doesNotMatch(content, /Keepalive/);
  assert.match(content, /^[\n -~]+$/);
});

test('the name of the file fits an interface of Linux', () => {
  const long = { ...gateway, name: 'a-very-long-gateway-name.vpn.example' };
  assert.equal(wireguardProfile(material, zurich, long, 2).fileName, 'a-very-long-gat.conf');
});

async function interfaceUp(namespace: Namespace, name: string): Promise<void> {
  const tool = await namespace.spawn(['wireguard-go', '-f', name], { env: { LOG_LEVEL: 'silent' } });
  const exists = () =>
    namespace.run(['wg', 'show', name]).then(
      () => true,
      () => false,
    );
  await untilReady(tool, 'wireguard-go', exists);
}

test('wg-quick and wg take the file once the key is in', async () => {
  const namespace = await openNamespace();
  try {
    const key = (await namespace.run(['wg', 'genkey'])).trim();
    const file = wireguardProfile(material, zurich, gateway, 2).content.replace(PRIVATE_KEY_PLACEHOLDER, key);
    writeFileSync(`/proc/${namespace.pid}/root/run/zrh-01.conf`, file, { mode: 0o600 });
    const stripped = await namespace.run(['wg-quick', 'strip', '/run/zrh-01.conf']);
    assert.doesNotMatch(stripped, /^(Address|DNS)/m);
    writeFileSync(`/proc/${namespace.pid}/root/run/stripped.conf`, stripped, { mode: 0o600 });
    await interfaceUp(namespace, 'zrh-01');
    await namespace.run(['wg', 'setconf', 'zrh-01', '/run/stripped.conf']);
    const shown = await namespace.run(['wg', 'show', 'zrh-01']);
    assert.match(shown, /endpoint: 192\.0\.2\.1:51820/);
    assert.match(shown, /allowed ips: 0\.0\.0\.0\/0, ::\/0/);
  } finally {
    await namespace.close();
  }
});
