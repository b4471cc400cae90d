// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Protocol } from '../../core/sessions/session.ts';

/** One tunnel daemon of a gateway. Pools are disjoint, so an inner address belongs to one protocol. */
export interface TunnelPlan {
  /** Interface in the gateway. IKEv2 has none where the kernel carries ESP. */
  readonly device: string;
  /** Port on the public address; 500 (and 4500) for IKEv2. */
  readonly port: number;
  /** Inner pools in CIDR form. The first address of each belongs to the gateway. */
  readonly pool4: string;
  readonly pool6: string;
}

/** User ids of a gateway's programs, by which its firewall knows who may send what. */
export interface SendingUsers {
  readonly agent: number;
  readonly resolver: number;
  readonly openvpn: number;
  readonly charon: number;
  /** Only in the image. */
  readonly activation?: number | undefined;
}

/** Users of the image, whose numbers are fixed (image/users.txt). */
export const IMAGE_USERS = { agent: 900, resolver: 901, openvpn: 902, charon: 903, activation: 905 } as const;

/**
 * Everything that decides how a gateway's daemons are configured. It holds no secret: keys are in files whose names
 * are fixed (see {@link GATEWAY_FILES}). The same plan renders to the same bytes everywhere, so that the service can
 * say what it expects and the gateway can compare.
 */
export interface GatewayPlan {
  /** `zrh-01` */
  readonly gateway: string;
  /** Group of gateways that a customer selects: `ch-zrh`. */
  readonly location: string;
  /** DNS name in the server certificate. */
  readonly name: string;
  /** Addresses that the world reaches, as profiles and the certificate have them. */
  readonly address4: string;
  readonly address6: string | undefined;
  /** Where the daemons listen: `address4`, or an inner address to which the world's packets are translated. */
  readonly listen4: string;
  /** Interface that leads to the Internet, and clients come in by. */
  readonly uplink: string;
  /** Addresses inside every tunnel where the gateway answers DNS and heartbeats. */
  readonly service4: string;
  readonly service6: string;
  readonly heartbeatPort: number;
  readonly tunnels: Readonly<Record<Protocol, TunnelPlan>>;
  /** Where the resolver asks: `root` for full recursion, or addresses of forwarders. */
  readonly forwarders: 'root' | readonly string[];
  /** `kernel` where the kernel carries ESP, else `libipsec`. */
  readonly esp: 'kernel' | 'libipsec';
  readonly users: SendingUsers;
}

/** What an operator chooses about a gateway; the rest follows. */
export type GatewayChoice = Pick<GatewayPlan, 'gateway' | 'location' | 'name' | 'address4' | 'address6' | 'uplink'> &
  Partial<Pick<GatewayPlan, 'forwarders' | 'esp' | 'users'>> & {
    /** Without it, `address4`. */
    readonly listen4?: string | undefined;
    /** Where a web server has 443/tcp of the public address. */
    readonly openvpnTcpPort?: number | undefined;
  };

/**
 * The tunnels of every gateway. A WireGuard key has one host everywhere, since its addresses are in the customer's file: that
 * pool is the service's, and has four million hosts (RFC 6598; no network that a customer is in at home uses it). The others
 * are handed out to sessions.
 */
export const TUNNELS: GatewayPlan['tunnels'] = {
  'openvpn-udp': { device: 'ovpn-udp', port: 1194, pool4: '10.64.0.0/18', pool6: 'fd6c:6574:6865:1::/64' },
  'openvpn-tcp': { device: 'ovpn-tcp', port: 443, pool4: '10.64.64.0/18', pool6: 'fd6c:6574:6865:2::/64' },
  ikev2: { device: 'ipsec0', port: 500, pool4: '10.64.128.0/18', pool6: 'fd6c:6574:6865:3::/64' },
  wireguard: { device: 'wg0', port: 51820, pool4: '100.64.0.0/10', pool6: 'fd6c:6574:6865:4::/64' },
};

/** The port of OpenVPN over TCP where 443/tcp is a web server's: IANA's for OpenVPN. */
export const OPENVPN_TCP_BESIDE_WEB = 1194;

/** The tunnels of a gateway whose OpenVPN over TCP may be at another port than 443. */
export function planTunnels(openvpnTcpPort?: number): GatewayPlan['tunnels'] {
  const tcp = TUNNELS['openvpn-tcp'];
  return { ...TUNNELS, 'openvpn-tcp': { ...tcp, port: openvpnTcpPort ?? tcp.port } };
}

export function planGateway({ openvpnTcpPort, ...choice }: GatewayChoice): GatewayPlan {
  return {
    forwarders: 'root',
    esp: 'kernel',
    users: IMAGE_USERS,
    ...choice,
    listen4: choice.listen4 ?? choice.address4,
    service4: '10.65.0.1',
    service6: 'fd6c:6574:6865:ff::1',
    heartbeatPort: 8440,
    tunnels: planTunnels(openvpnTcpPort),
  };
}

/** Fixed places inside a gateway. All of them are in memory; nothing of a gateway is on a disk. */
export const GATEWAY_FILES = {
  directory: '/run/lethe',
  caCertificate: '/run/lethe/keys/ca.crt',
  serverCertificate: '/run/lethe/keys/server.crt',
  serverKey: '/run/lethe/keys/server.key',
  tlsCryptKey: '/run/lethe/keys/tls-crypt.key',
  authTokenKey: '/run/lethe/keys/auth-token.key',
  wireguardKey: '/run/lethe/keys/wireguard.key',
  radiusSecret: '/run/lethe/keys/radius.secret',
  openvpnUdpSocket: '/run/lethe/openvpn-udp/management.sock',
  openvpnTcpSocket: '/run/lethe/openvpn-tcp/management.sock',
  viciSocket: '/run/lethe/charon/charon.vici',
  resolverSocket: '/run/lethe/resolver/unbound.ctl',
  wireguardSocket: '/run/wireguard/wg0.sock',
  flowsSocket: '/run/lethe-flows/flows.sock',
} as const;

/** RADIUS runs between charon and the agent on loopback only. */
export const RADIUS = { address: '127.0.0.1', port: 1812 } as const;

/**
 * The rule of disconnection: a WireGuard peer without a handshake for this long has left. Its keys are dead by then (REJECT_AFTER_TIME
 * of the protocol), so forgetting where it was costs no peer a packet. Milliseconds.
 */
export const IDLE_AFTER = 180_000;

/** A configuration file as rendered from the plan: name below the gateway's directory, and content. */
export interface RenderedFile {
  readonly name: string;
  readonly content: string;
}
