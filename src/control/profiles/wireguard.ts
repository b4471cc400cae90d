// SPDX-License-Identifier: AGPL-3.0-or-later

import { innerAddresses } from '../../contracts/plan/pool.ts';
import type { Location, PublicGateway } from '../fleet/location.ts';
import { type Profile, type ProfileMaterial, shortName, stem } from './profile.ts';

/** Marks where the private key belongs. The service never sees that key, so only the customer can put it there. */
export const PRIVATE_KEY_PLACEHOLDER = 'YOUR-PRIVATE-KEY';

/** Linux names an interface after the file, and allows 15 characters. */
const INTERFACE_NAME = 15;

/**
 * A wg-quick file for one device and one gateway. There is no persistent keepalive: a device that rests is forgotten
 * by the gateway, and that is wanted.
 *
 * @param host index of the device's addresses in the WireGuard pools
 */
export function wireguardProfile(
  material: ProfileMaterial,
  location: Location,
  gateway: PublicGateway,
  host: number,
): Profile {
  const { service4, service6, tunnels } = material.inside;
  const [address4, address6] = innerAddresses(tunnels.wireguard, host);
  const lines = [
    // ASCII alone: readers of QR codes guess the encoding, and guess wrong.
    `# ${stem(material.name, 24)} ${location.id} ${shortName(gateway)}`,
    '[Interface]',
    `PrivateKey = ${PRIVATE_KEY_PLACEHOLDER}`,
    `Address = ${address4}/32, ${address6}/128`,
    `DNS = ${service4}, ${service6}`,
    '',
    '[Peer]',
    `PublicKey = ${gateway.wireguard.publicKey}`,
    'AllowedIPs = 0.0.0.0/0, ::/0',
    `Endpoint = ${gateway.address4}:${gateway.wireguard.port}`,
  ];
  return {
    fileName: `${stem(shortName(gateway), INTERFACE_NAME)}.conf`,
    contentType: 'application/x-wireguard-profile',
    content: `${lines.join('\n')}\n`,
  };
}
