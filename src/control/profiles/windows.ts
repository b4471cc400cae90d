// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Location, PublicGateway } from '../fleet/location.ts';
import { oneLine, type ProfileMaterial, shortName } from './profile.ts';
import { authorityFile } from './strongswan.ts';

/** A PowerShell literal: nothing inside single quotes is expanded. Typographic quotes count as quotes there. */
function literal(text: string): string {
  return `'${text.replaceAll(/['\u2018-\u201B]/g, "''")}'`;
}

/**
 * Windows compares what it is asked to reach with the names in the certificate, which has the gateway's name and its
 * address. Nobody's resolver knows a name below `.internal` (ICANN reserves it for private use).
 */
function reachable({ name, address4 }: PublicGateway): string {
  return name.endsWith('.internal') ? address4 : name;
}

/**
 * Commands for an administrator's PowerShell on Windows 10 and later that make one IKEv2 connection for each gateway.
 * The algorithms have to be set by hand: what Windows offers on its own is from another age.
 */
export function windowsCommands(material: ProfileMaterial, location: Location): string {
  const service = oneLine(material.name);
  const lines = [
    `Import-Certificate -FilePath ${authorityFile(material).fileName} -CertStoreLocation Cert:\\LocalMachine\\Root`,
  ];
  for (const gateway of location.gateways) {
    const name = literal(`${service} ${shortName(gateway)}`);
    lines.push(
      `Add-VpnConnection -Name ${name} -ServerAddress ${reachable(gateway)} -TunnelType Ikev2 -AuthenticationMethod Eap -RememberCredential`,
      `Set-VpnConnectionIPsecConfiguration -ConnectionName ${name} -EncryptionMethod GCMAES256 -IntegrityCheckMethod SHA384 -DHGroup ECP384 -CipherTransformConstants GCMAES256 -AuthenticationTransformConstants GCMAES256 -PfsGroup ECP384 -Force`,
    );
  }
  return `${lines.join('\n')}\n`;
}
