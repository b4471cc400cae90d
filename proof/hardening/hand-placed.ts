// SPDX-License-Identifier: AGPL-3.0-or-later

import { makeGatewayKeys } from '../../src/contracts/pki/gateway-keys.ts';
import { generateRsaKey, openvpnStaticKey } from '../../src/contracts/pki/keys.ts';
import { gatewayFiles, type OwnedFile } from '../../src/contracts/plan/files.ts';
import { makeRadiusSecret } from '../../src/contracts/plan/ikev2/secret.ts';
import { planGateway } from '../../src/contracts/plan/plan.ts';
import { systemClock } from '../../src/core/clock/clock.ts';
import { systemRandom } from '../../src/core/random/random.ts';
import { GUEST_OWNERS } from '../../src/gateway/boot/guest.ts';
import { TestAuthority } from '../labs/authority/authority.ts';

/** Everything that a gateway with this address needs below /run/lethe to start, with no control and no customers. */
export async function handPlacedFiles(address4: string): Promise<OwnedFile[]> {
  const deps = { clock: systemClock, random: systemRandom };
  const plan = planGateway({
    gateway: 'zrh-01',
    location: 'ch-zrh',
    name: 'zrh-01.vpn.example',
    address4,
    address6: undefined,
    uplink: 'eth0',
  });
  const { authority } = await TestAuthority.create({ key: await generateRsaKey() });
  const keys = await makeGatewayKeys(deps, authority, plan, openvpnStaticKey(systemRandom));
  const nobody = Buffer.alloc(32, 9).toString('base64');
  return gatewayFiles({
    plan,
    keys: keys.files,
    radiusSecret: makeRadiusSecret(systemRandom),
    token: systemRandom.bytes(32).toHex(),
    controlAuthority: authority.certificate,
    agent: {
      controlUrl: 'https://10.67.0.1:8443',
      authfileKey: nobody,
      expectedKey: nobody,
      geoip: { country: '/usr/lib/lethe/geoip/country.mmdb' },
      release: 'test',
    },
    owners: GUEST_OWNERS,
  });
}
