// SPDX-License-Identifier: AGPL-3.0-or-later

import { addressBytes } from '../../bytes/text/address.ts';
import type { Clock } from '../../core/clock/clock.ts';
import type { Random } from '../../core/random/random.ts';
import { makeRadiusSecret } from '../plan/ikev2/secret.ts';
import { GATEWAY_FILES, type GatewayPlan } from '../plan/plan.ts';
import { type Authority, issueServerCertificate } from './authority.ts';
import {
  generateRsaKey,
  generateWireguardKeys,
  openvpnAuthTokenKey,
  privateKeyPem,
  type WireguardKeys,
} from './keys.ts';

/** A file that holds a key, or the certificate of one. Its place is one of GATEWAY_FILES. */
export interface KeyFile {
  readonly path: string;
  readonly content: string;
}

export interface GatewayKeys {
  readonly files: readonly KeyFile[];
  /** What customers put into their WireGuard profiles. */
  readonly wireguardPublicKey: string;
}

/**
 * Makes every key of one gateway. They are new at each call; `tlsCryptKey` alone is the service's, because a profile
 * that names several gateways has room for one.
 */
export async function makeGatewayKeys(
  deps: { readonly clock: Clock; readonly random: Random },
  authority: Authority,
  plan: GatewayPlan,
  tlsCryptKey: string,
): Promise<GatewayKeys> {
  const [key, wireguard] = await Promise.all([generateRsaKey(), generateWireguardKeys()]);
  const addresses = [plan.address4, plan.address6].filter((text) => text !== undefined).map(addressBytes);
  const certificate = await issueServerCertificate(deps, authority, { name: plan.name, addresses, key });
  return {
    files: keyFiles({
      authority,
      certificate,
      serverKey: privateKeyPem(key),
      wireguard,
      tlsCryptKey,
      random: deps.random,
    }),
    wireguardPublicKey: wireguard.publicKey,
  };
}

function keyFiles(made: {
  authority: Authority;
  certificate: string;
  serverKey: string;
  wireguard: WireguardKeys;
  tlsCryptKey: string;
  random: Random;
}): KeyFile[] {
  return [
    { path: GATEWAY_FILES.caCertificate, content: made.authority.certificate },
    { path: GATEWAY_FILES.serverCertificate, content: made.certificate },
    { path: GATEWAY_FILES.serverKey, content: made.serverKey },
    { path: GATEWAY_FILES.tlsCryptKey, content: made.tlsCryptKey },
    { path: GATEWAY_FILES.authTokenKey, content: openvpnAuthTokenKey(made.random) },
    { path: GATEWAY_FILES.wireguardKey, content: `${made.wireguard.privateKey}\n` },
    { path: GATEWAY_FILES.radiusSecret, content: makeRadiusSecret(made.random) },
  ];
}
