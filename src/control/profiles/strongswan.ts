// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Location, PublicGateway } from '../fleet/location.ts';
import {
  certificateBase64,
  ESP_PROPOSAL,
  IKE_PROPOSAL,
  oneLine,
  type Profile,
  type ProfileMaterial,
  shortName,
  stableUuid,
  stem,
} from './profile.ts';

/** A profile for the strongSwan app on Android, one gateway each. The app asks for name and password. */
export function sswanProfile(material: ProfileMaterial, location: Location, gateway: PublicGateway): Profile {
  const suffix = location.gateways.length > 1 ? ` (${shortName(gateway)})` : '';
  const profile = {
    uuid: stableUuid('sswan', material.name, location.id, gateway.name),
    name: `${oneLine(material.name)}: ${oneLine(location.name)}${suffix}`,
    type: 'ikev2-eap',
    remote: {
      addr: gateway.address4,
      id: gateway.name,
      cert: certificateBase64(material.caCertificate),
    },
    'ike-proposal': IKE_PROPOSAL,
    'esp-proposal': ESP_PROPOSAL,
  };
  return {
    fileName: `${stem(material.name, 24)}-${stem(shortName(gateway), 24)}.sswan`,
    contentType: 'application/vnd.strongswan.profile',
    content: `${JSON.stringify(profile, undefined, 2)}\n`,
  };
}

/** The file name under which a swanctl configuration expects the authority in `x509ca`. */
export function authorityFile(material: ProfileMaterial): Profile {
  return {
    fileName: `${stem(material.name, 24)}-ca.crt`,
    contentType: 'application/x-x509-ca-cert',
    content: `${material.caCertificate.trim()}\n`,
  };
}

function connection(gateway: PublicGateway, caFile: string): string[] {
  const name = stem(shortName(gateway), 40);
  return [
    `  ${name} {`,
    '    version = 2',
    `    remote_addrs = ${gateway.address4}`,
    '    vips = 0.0.0.0, ::',
    `    proposals = ${IKE_PROPOSAL}`,
    '    send_certreq = yes',
    '    dpd_delay = 30s',
    '    local {',
    '      auth = eap-mschapv2',
    '      eap_id = USERNAME',
    '    }',
    '    remote {',
    '      auth = pubkey',
    `      id = ${gateway.name}`,
    `      cacerts = ${caFile}`,
    '    }',
    '    children {',
    `      ${name} {`,
    '        remote_ts = 0.0.0.0/0, ::/0',
    `        esp_proposals = ${ESP_PROPOSAL}`,
    '        dpd_action = restart',
    '      }',
    '    }',
    '  }',
  ];
}

/**
 * A piece for `/etc/swanctl/conf.d` on Linux: one connection for each gateway of the location. `USERNAME` and
 * `PASSWORD` are the customer's to fill in, and the authority is beside it in `x509ca`.
 */
export function swanctlProfile(material: ProfileMaterial, location: Location): Profile {
  const caFile = authorityFile(material).fileName;
  const lines = [
    `# ${oneLine(material.name)}: ${oneLine(location.name)}, IKEv2`,
    `# Put ${caFile} into /etc/swanctl/x509ca, and your name and password in place of USERNAME and PASSWORD.`,
    'connections {',
    ...location.gateways.flatMap((gateway) => connection(gateway, caFile)),
    '}',
    'secrets {',
    `  eap-${stem(material.name, 24)} {`,
    '    id = USERNAME',
    '    secret = PASSWORD',
    '  }',
    '}',
  ];
  return {
    fileName: `${stem(material.name, 24)}-${location.id}.swanctl.conf`,
    contentType: 'text/plain',
    content: `${lines.join('\n')}\n`,
  };
}
