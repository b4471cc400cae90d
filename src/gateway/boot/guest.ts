// SPDX-License-Identifier: AGPL-3.0-or-later
import { type KeyObject, X509Certificate } from 'node:crypto';
import { open } from '../../bytes/formats/hpke.ts';
import { type Bundle, HANDOVER_INFO, parseBundle } from '../../contracts/activation/bundle.ts';
import { openvpnAuthTokenKey, privateKeyPem } from '../../contracts/pki/keys.ts';
import { type AgentChoice, gatewayFiles, type OwnedFile, type Owners } from '../../contracts/plan/files.ts';
import { makeRadiusSecret } from '../../contracts/plan/ikev2/secret.ts';
import { GATEWAY_FILES, IMAGE_USERS } from '../../contracts/plan/plan.ts';
import type { Random } from '../../core/random/random.ts';
import type { FreshKeys } from './boot-keys.os.ts';
import type { Proven } from './prove.ts';

/** Users and groups of the image, whose numbers are fixed (image/users.txt, image/groups.txt). */
export const GUEST_OWNERS: Owners = {
  agent: { uid: IMAGE_USERS.agent, gid: IMAGE_USERS.agent },
  wireguard: { uid: 904, gid: 904 },
  tunnels: 910,
  charon: 910,
};

/** Where the image keeps its tables. */
const GEOIP = {
  country: '/usr/lib/lethe/geoip/country.mmdb',
  networks: '/usr/lib/lethe/geoip/networks.table',
} as const;

/** What about an answer was wrong. */
export type Unusable = 'answer' | 'sealed' | 'bundle' | 'certificate';

export interface Handover {
  readonly bundle: Bundle;
  /** The bundle as it came: what is measured. */
  readonly bytes: Uint8Array;
}

/** Opens what was handed over, and looks at all of it before any of it is used. */
export function openHandover(proven: Proven, keys: FreshKeys, now: number): Handover | { readonly unusable: Unusable } {
  const context = { info: HANDOVER_INFO, aad: proven.binding };
  const bytes = proven.sealed === undefined ? undefined : open(keys.handover, proven.sealed, context);
  if (bytes === undefined) return { unusable: 'sealed' };
  const bundle = parseBundle(bytes);
  if ('problem' in bundle) return { unusable: 'bundle' };
  const expected = { authority: bundle.caCertificate, key: keys.server, now, name: bundle.plan.name };
  if (!isOurs(proven.certificate, expected)) return { unusable: 'certificate' };
  return { bundle, bytes };
}

export interface ExpectedCertificate {
  /** PEM */
  readonly authority: string;
  readonly key: KeyObject;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  readonly name?: string;
}

/** Whether the certificate is for our key and name, by that authority, and for a time that includes now. */
export function isOurs(certificate: string, { authority, key, now, name }: ExpectedCertificate): boolean {
  try {
    const [own, ca] = [new X509Certificate(certificate), new X509Certificate(authority)];
    const named = name === undefined || own.checkHost(name) !== undefined;
    const covers = own.validFromDate.getTime() <= now && now < own.validToDate.getTime();
    return covers && named && own.checkPrivateKey(key) && own.checkIssued(ca) && own.verify(ca.publicKey);
  } catch {
    return false;
  }
}

/** Everything that this gateway's programs read. */
export function guestFiles(
  { bundle }: Handover,
  { certificate }: Proven,
  keys: FreshKeys,
  deps: { readonly random: Random; readonly owners: Owners },
): OwnedFile[] {
  const { plan, token, controlAuthority, controlUrl, authfileKey, expectedKey, release, intervals } = bundle;
  const agent: AgentChoice = {
    controlUrl,
    authfileKey,
    expectedKey,
    geoip: GEOIP,
    release,
    ...(intervals === undefined ? {} : { intervals }),
  };
  return gatewayFiles({
    plan: { ...plan, address6: plan.address6 },
    keys: [
      { path: GATEWAY_FILES.caCertificate, content: bundle.caCertificate },
      { path: GATEWAY_FILES.serverCertificate, content: certificate },
      { path: GATEWAY_FILES.serverKey, content: privateKeyPem(keys.server) },
      { path: GATEWAY_FILES.tlsCryptKey, content: bundle.tlsCryptKey },
      { path: GATEWAY_FILES.authTokenKey, content: openvpnAuthTokenKey(deps.random) },
      { path: GATEWAY_FILES.wireguardKey, content: `${keys.wireguard}\n` },
    ],
    radiusSecret: makeRadiusSecret(deps.random),
    token,
    controlAuthority,
    agent,
    owners: deps.owners,
  });
}
