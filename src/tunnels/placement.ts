// SPDX-License-Identifier: AGPL-3.0-or-later
import { GATEWAY_FILES } from './plan.ts';

/**
 * Users of the gateway image. Their numbers are fixed, because they stand in the image. OpenVPN and charon have the group
 * `tunnels`, each of the others a group of its own number.
 */
export const IMAGE_USERS = {
  gateway: 900,
  resolver: 901,
  openvpn: 902,
  charon: 903,
  wireguard: 904,
  activation: 905,
} as const;

export const IMAGE_TUNNELS_GROUP = 910;

/** The agent's files, beside those of {@link GATEWAY_FILES}. */
export const AGENT_FILES = {
  configuration: `${GATEWAY_FILES.directory}/agent.json`,
  token: `${GATEWAY_FILES.directory}/keys/agent.token`,
  controlAuthority: `${GATEWAY_FILES.directory}/keys/control-ca.crt`,
} as const;

export interface Placement {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

const PUBLIC: Placement = { uid: 0, gid: 0, mode: 0o644 };
const OF_TUNNELS: Placement = { uid: 0, gid: IMAGE_TUNNELS_GROUP, mode: 0o640 };
const OF_AGENT: Placement = { uid: 0, gid: IMAGE_USERS.gateway, mode: 0o640 };

const GUARDED: Readonly<Record<string, Placement>> = {
  [GATEWAY_FILES.serverKey]: OF_TUNNELS,
  [GATEWAY_FILES.tlsCryptKey]: OF_TUNNELS,
  [GATEWAY_FILES.authTokenKey]: OF_TUNNELS,
  [GATEWAY_FILES.radiusSecret]: { uid: IMAGE_USERS.gateway, gid: IMAGE_TUNNELS_GROUP, mode: 0o440 },
  [GATEWAY_FILES.wireguardKey]: { uid: IMAGE_USERS.wireguard, gid: IMAGE_USERS.wireguard, mode: 0o400 },
  [AGENT_FILES.configuration]: OF_AGENT,
  [AGENT_FILES.token]: OF_AGENT,
};

/**
 * Whose a file below /run/lethe is in the gateway image, so that exactly its readers can read it. Certificates and
 * rendered configuration are public; throws a RangeError for any other path, which nobody should have made.
 */
export function placementOf(path: string): Placement {
  const guarded = GUARDED[path];
  if (guarded !== undefined) return guarded;
  const rendered = /^\/run\/lethe\/[a-z][a-z0-9-]*\.(?:conf|env|nft)$/;
  const certificate = /^\/run\/lethe\/keys\/[a-z][a-z0-9-]*\.crt$/;
  if (rendered.test(path) || certificate.test(path)) return PUBLIC;
  throw new RangeError('no file of that name belongs to a gateway');
}
