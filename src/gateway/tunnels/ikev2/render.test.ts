// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { render } from '../../../contracts/plan/ikev2/render.ts';
import { makeRadiusSecret, readRadiusSecret } from '../../../contracts/plan/ikev2/secret.ts';
import { planGateway } from '../../../contracts/plan/plan.ts';
import { seededRandom } from '../../../core/random/random.ts';
import { settingsOf } from './nologging.ts';

const choice = { gateway: 'zrh-01', location: 'ch-zrh', name: 'gw.example', address4: '198.51.100.1', uplink: 'eth0' };

function settings(esp: 'kernel' | 'libipsec', address6: string | undefined): Map<string, string> {
  const files = render(planGateway({ ...choice, address6, esp }));
  return new Map(files.flatMap((file) => settingsOf(file.content)).map(({ path, value }) => [path, value ?? '']));
}

test('the same plan renders to the same bytes', () => {
  const plan = planGateway({ ...choice, address6: undefined });
  assert.deepEqual(render(plan), render(plan));
});

test('libipsec is loaded where the kernel does not carry ESP, and before the kernel is asked', () => {
  assert.doesNotMatch(settings('kernel', undefined).get('charon.load') ?? '', /libipsec/);
  assert.match(settings('libipsec', undefined).get('charon.load') ?? '', /kernel-libipsec kernel-netlink/);
});

test('charon answers on the addresses that the gateway has', () => {
  const path = 'connections.lethe.local_addrs';
  assert.equal(settings('kernel', undefined).get(path), '198.51.100.1');
  assert.equal(settings('kernel', '2001:db8::1').get(path), '198.51.100.1, 2001:db8::1');
});

test('every proposal is of 256 bits with at least SHA-256 and group 14', () => {
  const all = settings('kernel', undefined);
  const named = `${all.get('connections.lethe.proposals')}, ${all.get('connections.lethe.children.tunnel.esp_proposals')}`;
  for (const proposal of named.split(', ')) {
    assert.match(proposal, /^aes256(gcm16)?(-prfsha(256|384)|-sha(256|384))?(-ecp(256|384)|-x25519|-modp2048)?$/);
  }
});

/** Without one of them somebody is let in, told of, or remembered, or a tunnel is opened to an address that is free. */
const DEMANDED: Readonly<Record<string, string>> = {
  'charon.load_modular': 'no',
  'charon.interfaces_use': 'eth0',
  'charon.cache_crls': 'no',
  'charon.syslog.daemon.default': '-1',
  'charon.syslog.auth.default': '-1',
  'charon.plugins.eap-radius.accounting': 'no',
  'charon.plugins.eap-radius.station_id_with_port': 'no',
  'charon.plugins.eap-radius.dae.enable': 'no',
  'charon.plugins.eap-radius.servers.agent.address': '127.0.0.1',
  'charon.plugins.eap-radius.servers.agent.include': '/run/lethe/keys/radius.secret',
  'connections.lethe.version': '2',
  'connections.lethe.unique': 'never',
  'connections.lethe.reauth_time': '0s',
  'connections.lethe.pools': 'radius',
  'connections.lethe.local.auth': 'pubkey',
  'connections.lethe.local.id': 'gw.example',
  'connections.lethe.remote.auth': 'eap-radius',
  'connections.lethe.children.tunnel.remote_ts': 'dynamic',
  'connections.lethe.children.tunnel.start_action': 'none',
  'connections.lethe.children.tunnel.close_action': 'none',
  'connections.lethe.children.tunnel.dpd_action': 'clear',
};

test('charon asks the agent about everybody, gives each the address it is told, and says nothing', () => {
  const all = settings('kernel', undefined);
  for (const [path, value] of Object.entries(DEMANDED)) assert.equal(all.get(path), value, path);
});

test('the RADIUS secret is random, and read back as charon reads it', () => {
  const content = makeRadiusSecret(seededRandom('secret'));
  assert.match(content, /^secret = [0-9a-f]{64}\n$/);
  assert.equal(Buffer.from(readRadiusSecret(content) ?? []).toString(), content.slice(9, -1));
  for (const other of ['', 'secret = \n', `${content}x`, content.toUpperCase(), content.replace('=', ':')]) {
    assert.equal(readRadiusSecret(other), undefined);
  }
});
