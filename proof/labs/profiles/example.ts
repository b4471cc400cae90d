// SPDX-License-Identifier: AGPL-3.0-or-later

import { openvpnStaticKey } from '../../../src/contracts/pki/keys.ts';
import { planGateway } from '../../../src/contracts/plan/plan.ts';
import type { Location } from '../../../src/control/fleet/location.ts';
import type { ProfileMaterial } from '../../../src/control/profiles/profile.ts';
import type { Clock } from '../../../src/core/clock/clock.ts';
import type { Random } from '../../../src/core/random/random.ts';
import { TestAuthority } from '../authority/authority.ts';

function gateway(name: string, last: number) {
  return {
    name: `${name}.vpn.example`,
    address4: `192.0.2.${last}`,
    openvpn: { udp: 1194, tcp: 443 },
    wireguard: { port: 51_820, publicKey: 'Zxr0yM3sUTHLPlhqBLQuqFGkfZ0ZB3EVFJwPVFaDAE8=' },
  };
}

/** Two places, one with several gateways, for tests of profiles and of the pages that hand them out. */
export const EXAMPLE_LOCATIONS: readonly [Location, Location] = [
  { id: 'ch-zrh', name: 'Zürich, Switzerland', country: 'CH', gateways: [gateway('zrh-01', 1), gateway('zrh-02', 2)] },
  { id: 'us-nyc', name: 'New York, United States', country: 'US', gateways: [gateway('nyc-01', 3)] },
];

/** A service of its own, with a real authority and a real static key that no other service has. */
export async function exampleMaterial(deps: {
  readonly clock: Clock;
  readonly random: Random;
}): Promise<ProfileMaterial & { readonly inside: ReturnType<typeof planGateway> }> {
  const authority = await TestAuthority.create({ ...deps, name: { commonName: 'Lethe CA' } });
  return {
    name: 'Lethe',
    caCertificate: authority.certificate,
    tlsCryptKey: openvpnStaticKey(deps.random),
    inside: planGateway({
      gateway: 'zrh-01',
      location: 'ch-zrh',
      name: 'zrh-01.vpn.example',
      address4: '192.0.2.1',
      address6: undefined,
      uplink: 'eth0',
    }),
  };
}
