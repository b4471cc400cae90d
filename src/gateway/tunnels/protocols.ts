// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Protocol } from '../../core/sessions/session.ts';
import { IKEV2 } from './ikev2/protocol.ts';
import { OPENVPN_TCP, OPENVPN_UDP } from './openvpn/protocol.ts';
import type { TunnelProtocol } from './protocol.ts';
import { WIREGUARD } from './wireguard/protocol.ts';

/** The compiler wants a protocol for each word that a usage event may carry, and for no other. */
const BY_NAME: { readonly [Name in Protocol]: TunnelProtocol<Name> } = {
  'openvpn-udp': OPENVPN_UDP,
  'openvpn-tcp': OPENVPN_TCP,
  ikev2: IKEV2,
  wireguard: WIREGUARD,
};

/** Every protocol of a gateway. Whatever has to be done for each of them walks this list. */
export const TUNNEL_PROTOCOLS: readonly TunnelProtocol[] = Object.values(BY_NAME);
