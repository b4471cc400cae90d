// SPDX-License-Identifier: AGPL-3.0-or-later
import { dirname } from 'node:path';
import { GATEWAY_FILES, type RenderedFile } from '../plan.ts';
import type { OpenvpnProtocol, OpenvpnServer } from './server.ts';

export function configurationName(protocol: OpenvpnProtocol): string {
  return `${protocol}.conf`;
}

/** openvpn(8), version 2.6. The same plan gives the same bytes everywhere; no secret is inside. */
export function renderServer(server: OpenvpnServer): RenderedFile {
  const directives = [
    ...transport(server),
    ...addresses(server),
    ...cryptography(),
    ...admission(server),
    ...pushed(server),
    ...silence(server),
  ];
  return { name: configurationName(server.protocol), content: `${directives.join('\n')}\n` };
}

function transport({ protocol, device, port, local, keepAlive }: OpenvpnServer): string[] {
  const udp = protocol === 'openvpn-udp';
  return [
    'mode server',
    'tls-server',
    'dev-type tun',
    `dev ${device}`,
    `port ${port}`,
    `proto ${udp ? 'udp' : 'tcp'}${local === undefined ? '6' : '4'}${udp ? '' : '-server'}`,
    ...(local === undefined ? [] : [`local ${local}`]),
    // On every address, answers leave from the one that was asked.
    ...(udp && local === undefined ? ['multihome'] : []),
    ...(udp ? ['explicit-exit-notify 1'] : ['tcp-nodelay']),
    `keepalive ${keepAlive.ping} ${keepAlive.restart}`,
    'max-clients 4096',
    // Many customers may come from behind one address, and all at once after an outage.
    ...(udp ? ['connect-freq-initial 1000 10'] : []),
    'persist-key',
    'persist-tun',
  ];
}

function addresses({ pool4, pool6 }: OpenvpnServer): string[] {
  return ['topology subnet', `server ${pool4}`, `server-ipv6 ${pool6}`];
}

/** Version 1.3 is taken wherever the client has it, for OpenSSL prefers it. */
function cryptography(): string[] {
  return [
    `ca ${GATEWAY_FILES.caCertificate}`,
    `cert ${GATEWAY_FILES.serverCertificate}`,
    `key ${GATEWAY_FILES.serverKey}`,
    `tls-crypt ${GATEWAY_FILES.tlsCryptKey}`,
    'dh none',
    'tls-version-min 1.2',
    'tls-groups X25519:P-256:P-384',
    'tls-cert-profile preferred',
    'tls-ciphersuites TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256',
    'tls-cipher TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384:TLS-ECDHE-RSA-WITH-CHACHA20-POLY1305-SHA256',
    'data-ciphers AES-256-GCM:CHACHA20-POLY1305',
    'auth SHA256',
    'allow-compression no',
    'reneg-sec 3600',
  ];
}

/** Username and password only, and the agent alone decides. While it is away no new client gets in. */
function admission({ managementSocket }: OpenvpnServer): string[] {
  return [
    'verify-client-cert none',
    'username-as-common-name',
    'duplicate-cn',
    `management ${managementSocket} unix`,
    'management-client-auth',
    // A token is taken for twice the second number of seconds. By default that would be two hours, and since OpenVPN does
    // not hand out each new token, a client would be sent away when it makes keys for the third time.
    'auth-gen-token 86400 86400 external-auth',
    `auth-gen-token-secret ${GATEWAY_FILES.authTokenKey}`,
    'script-security 0',
  ];
}

function pushed({ protocol, resolver4, resolver6 }: OpenvpnServer): string[] {
  return [
    'push "redirect-gateway def1 ipv6"',
    `push "dhcp-option DNS ${resolver4}"`,
    `push "dhcp-option DNS6 ${resolver6}"`,
    'push "block-outside-dns"',
    ...(protocol === 'openvpn-udp' ? ['push "explicit-exit-notify 1"'] : []),
  ];
}

/** What could remember is absent; what would speak by default is told not to. */
function silence({ managementSocket }: OpenvpnServer): string[] {
  return ['verb 0', 'log /dev/null', 'management-log-cache 1', `tmp-dir ${dirname(managementSocket)}`];
}
