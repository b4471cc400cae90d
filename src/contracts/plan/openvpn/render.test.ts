// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planGateway } from '../plan.ts';
import { renderServer } from './render.ts';
import { openvpnServer } from './server.ts';

const plan = planGateway({
  gateway: 'zrh-01',
  location: 'ch-zrh',
  name: 'gw.example',
  address4: '198.51.100.1',
  address6: undefined,
  uplink: 'eth0',
});

function directives(protocol: 'openvpn-udp' | 'openvpn-tcp'): string[] {
  return renderServer(openvpnServer(plan, protocol)).content.trimEnd().split('\n');
}

/** Directives without which somebody is let in, something is remembered, or a client is worse off; and what each is for. */
const DEMANDED: Readonly<Record<string, string>> = {
  'tls-crypt /run/lethe/keys/tls-crypt.key': 'who has no profile of ours gets no answer',
  'tls-version-min 1.2': 'older versions are broken',
  'tls-cert-profile preferred': 'weak certificates and curves are refused',
  'tls-ciphersuites TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256': 'TLS 1.3 with 256 bits',
  'tls-cipher TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384:TLS-ECDHE-RSA-WITH-CHACHA20-POLY1305-SHA256': 'forward secrecy',
  'data-ciphers AES-256-GCM:CHACHA20-POLY1305': 'packets are encrypted and authenticated at once',
  'allow-compression no': 'lengths would tell what is inside (VORACLE)',
  'reneg-sec 3600': 'keys live an hour',
  'verify-client-cert none': 'customers have no certificate, which would name them',
  'management-client-auth': 'the agent decides who gets in',
  'auth-gen-token 86400 86400 external-auth': 'the agent is asked again, with a token too',
  'auth-gen-token-secret /run/lethe/keys/auth-token.key': 'tokens outlive the daemon, and no restart of the machine',
  'script-security 0': 'no program is run',
  'max-clients 4096': 'memory has a bound',
  'verb 0': 'silence',
  'log /dev/null': 'silence',
  'management-log-cache 1': 'what was said is not kept for the agent either',
  'push "redirect-gateway def1 ipv6"': 'all traffic goes through the tunnel, IPv6 too',
  'push "dhcp-option DNS 10.65.0.1"': 'names are resolved here',
  'push "dhcp-option DNS6 fd6c:6574:6865:ff::1"': 'names are resolved here',
  'push "block-outside-dns"': 'and nowhere else, on Windows',
};

for (const protocol of ['openvpn-udp', 'openvpn-tcp'] as const) {
  test(`${protocol} is told all that keeps customers apart from others, and the daemon silent`, () => {
    const found = directives(protocol);
    for (const [directive, why] of Object.entries(DEMANDED))
      assert.ok(found.includes(directive), `${directive}: ${why}`);
    const names = found
      .filter((directive) => !directive.startsWith('push '))
      .map((directive) => directive.split(' ')[0]);
    assert.equal(new Set(names).size, names.length, 'the second of two would count');
  });
}

test('each transport has its socket, its pool and its port', () => {
  const [udp, tcp] = [directives('openvpn-udp'), directives('openvpn-tcp')];
  for (const line of ['proto udp4', 'port 1194', 'server 10.64.0.0 255.255.192.0', 'connect-freq-initial 1000 10'])
    assert.ok(udp.includes(line) && !tcp.includes(line), line);
  for (const line of ['proto tcp4-server', 'port 443', 'server 10.64.64.0 255.255.192.0'])
    assert.ok(tcp.includes(line) && !udp.includes(line), line);
  assert.ok(udp.includes('management /run/lethe/openvpn-udp/management.sock unix'));
  assert.ok(tcp.includes('management /run/lethe/openvpn-tcp/management.sock unix'));
});
