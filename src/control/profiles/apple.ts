// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Location, PublicGateway } from '../fleet/location.ts';
import { type PlistValue, writePlist } from './plist.ts';
import {
  certificateBase64,
  type Login,
  oneLine,
  type Profile,
  type ProfileMaterial,
  shortName,
  stableUuid,
  stem,
} from './profile.ts';

const DAY_IN_MINUTES = 1440;
/** The same algorithms as IKE_PROPOSAL and ESP_PROPOSAL, in Apple's words. Group 20 is ECP-384. */
const ALGORITHMS: PlistValue = {
  EncryptionAlgorithm: 'AES-256-GCM',
  IntegrityAlgorithm: 'SHA2-384',
  DiffieHellmanGroup: 20,
  LifeTimeInMinutes: DAY_IN_MINUTES,
};

function payload(type: string, identifier: string, name: string): Record<string, PlistValue> {
  return {
    PayloadType: type,
    PayloadVersion: 1,
    PayloadIdentifier: identifier,
    PayloadUUID: stableUuid(type, identifier).toUpperCase(),
    PayloadDisplayName: name,
  };
}

function authority(identifier: string, name: string, pem: string): PlistValue {
  return {
    ...payload('com.apple.security.root', `${identifier}.authority`, `${name} CA`),
    PayloadCertificateFileName: `${stem(name, 24)}-ca.cer`,
    PayloadContent: Buffer.from(certificateBase64(pem), 'base64'),
  };
}

function tunnel(identifier: string, name: string, gateway: PublicGateway, login: Login | undefined): PlistValue {
  return {
    ...payload('com.apple.vpn.managed', `${identifier}.${shortName(gateway)}`, name),
    UserDefinedName: name,
    VPNType: 'IKEv2',
    IPv4: { OverridePrimary: 1 },
    IKEv2: {
      RemoteAddress: gateway.address4,
      RemoteIdentifier: gateway.name,
      LocalIdentifier: '',
      AuthenticationMethod: 'None',
      ExtendedAuthEnabled: 1,
      ...(login === undefined ? {} : { AuthName: login.username, AuthPassword: login.password }),
      DeadPeerDetectionRate: 'Medium',
      // Off, and offered as a switch in the details of the VPN: on, it cannot be disconnected for a while.
      OnDemandEnabled: 0,
      OnDemandRules: [{ Action: 'Connect' }],
      DisableRedirect: 1,
      EnablePFS: 1,
      IKESecurityAssociationParameters: ALGORITHMS,
      ChildSecurityAssociationParameters: ALGORITHMS,
    },
  };
}

/**
 * A configuration profile for iPhone, iPad and Mac: the service's authority and one IKEv2 connection for each gateway
 * of the location. Without a login the system asks for it when the profile is installed.
 * Keys as in Apple's device-management schema, com.apple.vpn.managed and com.apple.security.root.
 */
export function appleProfile(material: ProfileMaterial, location: Location, login?: Login): Profile {
  const service = oneLine(material.name);
  const title = `${service}: ${oneLine(location.name)}`;
  const identifier = `vpn.${stem(material.name, 40)}.${location.id}`;
  const several = location.gateways.length > 1;
  const profile = {
    ...payload('Configuration', identifier, title),
    PayloadOrganization: service,
    PayloadContent: [
      authority(identifier, service, material.caCertificate),
      ...location.gateways.map((gateway) =>
        tunnel(identifier, several ? `${title} (${shortName(gateway)})` : title, gateway, login),
      ),
    ],
  };
  return {
    fileName: `${stem(material.name, 24)}-${location.id}.mobileconfig`,
    contentType: 'application/x-apple-aspen-config',
    content: writePlist(profile),
  };
}
