// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Location } from '../fleet/location.ts';
import { type Login, oneLine, type Profile, type ProfileMaterial, stem } from './profile.ts';

export type Transport = 'udp' | 'tcp';

/** The longest beginning that all names share; the whole name where there is one. */
function commonPrefix(names: readonly string[]): string {
  const [first = '', ...others] = names;
  let length = first.length;
  for (const name of others) {
    while (!name.startsWith(first.slice(0, length))) length -= 1;
  }
  return first.slice(0, length);
}

/**
 * Only gateways of this location may answer. One gateway is named in full, several by what their names share; where
 * they share nothing, the authority and the certificate's purpose have to do.
 */
function serverName(location: Location): string[] {
  const prefix = commonPrefix(location.gateways.map((gateway) => gateway.name));
  if (prefix === '') return [];
  return [`verify-x509-name ${prefix} ${location.gateways.length === 1 ? 'name' : 'name-prefix'}`];
}

/** IPv4 only: a client without IPv6 would wait for each such line to time out before it tries the next. */
function remotes(location: Location, transport: Transport): string[] {
  const lines = location.gateways.map(
    (gateway) => `remote ${gateway.address4} ${gateway.openvpn[transport]} ${transport}`,
  );
  return lines.length > 1 ? [...lines, 'remote-random'] : lines;
}

function inline(tag: string, text: string): string[] {
  return [`<${tag}>`, text.trim(), `</${tag}>`];
}

/**
 * A profile for OpenVPN 2.5 and later, OpenVPN Connect 3 and NetworkManager. Without a login it holds no secret of the
 * customer: the client asks for name and password and keeps neither. With one, the file connects by itself, for anybody who
 * has it; NetworkManager does not import such a file. It runs no script.
 */
export function openvpnProfile(
  material: ProfileMaterial,
  location: Location,
  transport: Transport,
  login?: Login,
): Profile {
  const lines = [
    `# ${oneLine(material.name)}: ${oneLine(location.name)}, OpenVPN over ${transport.toUpperCase()}`,
    'client',
    'dev tun',
    `proto ${transport}`,
    ...remotes(location, transport),
    'connect-timeout 15',
    'nobind',
    'persist-key',
    'persist-tun',
    ...(login === undefined ? ['auth-user-pass'] : inline('auth-user-pass', `${login.username}\n${login.password}`)),
    'auth-nocache',
    '# OpenVPN Connect only: no client certificate is asked for. Other apps pass it on to scripts, of which there are none.',
    'setenv CLIENT_CERT 0',
    'remote-cert-tls server',
    ...serverName(location),
    'tls-version-min 1.2',
    'data-ciphers AES-256-GCM:CHACHA20-POLY1305',
    'redirect-gateway def1 ipv6',
    '# Windows only: no name is asked outside the tunnel. Other systems skip this line.',
    'setenv opt block-outside-dns',
    ...(transport === 'udp' ? ['explicit-exit-notify 2'] : []),
    ...inline('ca', material.caCertificate),
    ...inline('tls-crypt', material.tlsCryptKey),
  ];
  return {
    fileName: `${stem(material.name, 24)}-${location.id}-${transport}.ovpn`,
    contentType: 'application/x-openvpn-profile',
    content: `${lines.join('\n')}\n`,
  };
}
