// SPDX-License-Identifier: AGPL-3.0-or-later
import { sameBytes, sha256 } from '../../bytes/formats/fingerprint.ts';
import type { GatewayPlan } from '../../contracts/plan/plan.ts';
import type { Location, PublicGateway } from './location.ts';

/** A gateway as control knows it. Its own secrets stay with it: here are only what it shows, and a hash. */
export interface FleetGateway {
  readonly plan: GatewayPlan;
  /** SHA-256 of its bearer token. */
  readonly tokenHash: Uint8Array;
  /** Base64. */
  readonly wireguardKey: string;
}

export interface FleetLocation {
  readonly id: string;
  readonly name: string;
  readonly country: string;
}

/** The gateway whose token this is. Hostile input: any string. Hashes are compared, in constant time each. */
export function gatewayOf(fleet: readonly FleetGateway[], token: string): FleetGateway | undefined {
  const hash = sha256(token);
  return fleet.find((gateway) => sameBytes(gateway.tokenHash, hash));
}

/** The list that customers choose from. A location without a gateway is left out. */
export function locationsOf(locations: readonly FleetLocation[], fleet: readonly FleetGateway[]): Location[] {
  const listed = locations.map((location) => ({
    ...location,
    gateways: fleet.filter((gateway) => gateway.plan.location === location.id).map(published),
  }));
  return listed.filter((location) => location.gateways.length > 0);
}

function published({ plan, wireguardKey }: FleetGateway): PublicGateway {
  const { tunnels } = plan;
  return {
    name: plan.name,
    address4: plan.address4,
    ...(plan.address6 === undefined ? {} : { address6: plan.address6 }),
    openvpn: { udp: tunnels['openvpn-udp'].port, tcp: tunnels['openvpn-tcp'].port },
    wireguard: { port: tunnels.wireguard.port, publicKey: wireguardKey },
  };
}
