// SPDX-License-Identifier: AGPL-3.0-or-later
import { GATEWAY_FILES, type GatewayPlan, RADIUS, type RenderedFile } from '../plan.ts';
import { renderSection, type Section } from './settings.ts';

export const DAEMON_FILE = 'strongswan.conf';
export const CONNECTIONS_FILE = 'swanctl.conf';

/** What an operator may want otherwise in a laboratory; the defaults are what gateways run with. Seconds. */
export interface Ikev2Timing {
  /** Between signs of life from a silent customer. */
  readonly deadPeer: number;
  readonly ikeLife: number;
  readonly childLife: number;
}

export const IKEV2_TIMING: Ikev2Timing = { deadPeer: 30, ikeLife: 4 * 3600, childLife: 3600 };

/** charon's configuration. The same plan gives the same bytes everywhere; no secret is inside. */
export function render(plan: GatewayPlan, timing: Ikev2Timing = IKEV2_TIMING): RenderedFile[] {
  return [
    { name: DAEMON_FILE, content: renderSection(daemon(plan)) },
    { name: CONNECTIONS_FILE, content: renderSection(connections(plan, timing)) },
  ];
}

/** libipsec must come before netlink, for the first to offer ESP is asked for it. */
function plugins({ esp }: GatewayPlan): string {
  const cryptography = 'random nonce openssl hmac kdf drbg pem pkcs1 pkcs8 x509 pubkey constraints';
  const kernel = esp === 'libipsec' ? 'kernel-libipsec kernel-netlink' : 'kernel-netlink';
  return `${cryptography} ${kernel} socket-default vici attr eap-identity eap-radius`;
}

/** strongswan.conf(5), version 5.9. */
function daemon(plan: GatewayPlan): Section {
  return {
    charon: {
      load_modular: false,
      load: plugins(plan),
      threads: 16,
      // Otherwise charon would tell customers its addresses on other interfaces, and try them too (MOBIKE).
      interfaces_use: plan.uplink,
      cache_crls: false,
      close_ike_on_child_failure: true,
      // A customer that vanished is given up after 2 + 3.6 + 6.5 + 11.7 + 21 seconds.
      retransmit_timeout: '2.0',
      retransmit_base: '1.8',
      retransmit_tries: 4,
      filelog: {},
      syslog: { daemon: { default: -1 }, auth: { default: -1 } },
      plugins: {
        vici: { socket: `unix://${GATEWAY_FILES.viciSocket}` },
        attr: { dns: [plan.service4, plan.service6] },
        'eap-radius': {
          accounting: false,
          station_id_with_port: false,
          nas_identifier: 'lethe',
          dae: { enable: false },
          servers: {
            agent: {
              address: RADIUS.address,
              auth_port: RADIUS.port,
              sockets: 16,
              include: GATEWAY_FILES.radiusSecret,
            },
          },
        },
      },
    },
  };
}

/**
 * The first of each is what strongSwan and recent Apple systems offer; the last of each is for Windows and for Apple
 * systems without a profile.
 */
const IKE_PROPOSALS = [
  'aes256gcm16-prfsha384-ecp384',
  'aes256gcm16-prfsha384-x25519',
  'aes256gcm16-prfsha256-ecp256',
  'aes256-sha384-ecp384',
  'aes256-sha256-modp2048',
];
/** What the gateway offers for the packets themselves; the image loads the kernel's part of each before it serves. */
export const ESP_PROPOSALS: readonly string[] = [
  'aes256gcm16-ecp384',
  'aes256gcm16-x25519',
  'aes256gcm16',
  'aes256-sha256-modp2048',
  'aes256-sha256',
];

/** swanctl.conf(5), version 5.9. */
function connections(plan: GatewayPlan, timing: Ikev2Timing): Section {
  return {
    connections: {
      lethe: {
        version: 2,
        local_addrs: [plan.listen4, ...(plan.address6 === undefined ? [] : [plan.address6])],
        local_port: plan.tunnels.ikev2.port,
        proposals: IKE_PROPOSALS,
        send_cert: 'always',
        send_certreq: false,
        // One customer may come several times, with as many devices as there are seats.
        unique: 'never',
        fragmentation: true,
        mobike: true,
        dpd_delay: `${timing.deadPeer}s`,
        rekey_time: `${timing.ikeLife}s`,
        reauth_time: '0s',
        pools: 'radius',
        local: { auth: 'pubkey', id: plan.name, certs: GATEWAY_FILES.serverCertificate },
        remote: { auth: 'eap-radius', id: '%any', eap_id: '%any' },
        children: {
          tunnel: {
            local_ts: ['0.0.0.0/0', '::/0'],
            remote_ts: 'dynamic',
            esp_proposals: ESP_PROPOSALS,
            mode: 'tunnel',
            rekey_time: `${timing.childLife}s`,
            start_action: 'none',
            close_action: 'none',
            dpd_action: 'clear',
          },
        },
      },
    },
  };
}
