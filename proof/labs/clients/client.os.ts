// SPDX-License-Identifier: AGPL-3.0-or-later
import { fileURLToPath } from 'node:url';
import { waitUntil } from '../../../src/core/clock/until.ts';
import type { Namespace } from '../../../src/host/namespaces/namespace.os.ts';
import { place } from '../../../src/host/namespaces/place.os.ts';
import { type Child, orStop } from '../../../src/host/processes/process.os.ts';
import type { Visit } from './visit.ts';

/** A stock client in a namespace of its own, as it would run on a customer's machine. */
export interface StockClient {
  readonly namespace: Namespace;
  /** Everything the client's program printed. */
  output(): string;
  disconnect(): Promise<void>;
}

export interface ClientMachine {
  readonly namespace: Namespace;
  /** Outer address of the gateway. */
  readonly gateway: string;
  /** The interface by which the machine reaches it. */
  readonly device: string;
}

export class ClientFailed extends Error {
  override readonly name = 'ClientFailed';
}

/** Looks a name up at the resolver inside the tunnel and fetches a page from it. */
export async function visit(namespace: Namespace, host: string, path: string, resolver: string): Promise<Visit> {
  const program = fileURLToPath(new URL('visit.ts', import.meta.url));
  return JSON.parse(await namespace.run([process.execPath, program, host, path, resolver])) as Visit;
}

/** `openvpn --config`, with the profile as the portal handed it out. */
export async function connectOpenvpn(
  { namespace }: ClientMachine,
  profile: string,
  credentials: { readonly username: string; readonly password: string },
): Promise<StockClient> {
  place(namespace, '/run/client/profile.ovpn', profile);
  place(namespace, '/run/client/login', `${credentials.username}\n${credentials.password}\n`, 0o600);
  const child = await namespace.spawn([
    'openvpn',
    '--config',
    '/run/client/profile.ovpn',
    '--auth-user-pass',
    '/run/client/login',
    '--verb',
    '3',
  ]);
  await orStop(child, () =>
    waitUntil(
      'openvpn connects',
      () => {
        if (!child.running) throw new ClientFailed(`openvpn ended: ${lastLines(child)}`);
        return child.output().includes('Initialization Sequence Completed');
      },
      120_000,
    ),
  );
  return { namespace, output: () => child.output(), disconnect: async () => void (await child.stop(10_000)) };
}

function succeeds(attempt: Promise<unknown>): Promise<boolean> {
  return attempt.then(
    () => true,
    () => false,
  );
}

function lastLines(child: Child): string {
  return child.output().trimEnd().split('\n').slice(-3).join(' | ');
}

/** `wg` and wireguard-go, with the configuration as the portal handed it out and the key that the customer made. */
export async function connectWireguard(
  { namespace, gateway, device }: ClientMachine,
  configuration: string,
): Promise<StockClient> {
  place(namespace, '/run/client/wg.conf', configuration, 0o600);
  const child = await namespace.spawn(['wireguard-go', '-f', 'wg0'], { env: { LOG_LEVEL: 'error' } });
  await orStop(child, async () => {
    await waitUntil('wireguard-go has started', () => succeeds(namespace.run(['ip', 'link', 'show', 'wg0'])), 120_000);
    await configureWireguard({ namespace, gateway, device }, configuration);
  });
  return { namespace, output: () => child.output(), disconnect: async () => void (await child.stop()) };
}

/** What `wg-quick` reads: the customer's side of a tunnel that takes everything. Keys are base64. */
export function wireguardProfile(
  own: { readonly privateKey: string; readonly addresses: readonly string[] },
  gateway: { readonly publicKey: string; readonly endpoint: string },
): string {
  const peer = `PublicKey = ${gateway.publicKey}\nAllowedIPs = 0.0.0.0/0, ::/0\nEndpoint = ${gateway.endpoint}\n`;
  return `[Interface]\nPrivateKey = ${own.privateKey}\nAddress = ${own.addresses.join(', ')}\n[Peer]\n${peer}`;
}

async function configureWireguard({ namespace, gateway, device }: ClientMachine, configuration: string): Promise<void> {
  place(namespace, '/run/client/stripped.conf', await namespace.run(['wg-quick', 'strip', '/run/client/wg.conf']));
  await namespace.run(['wg', 'setconf', 'wg0', '/run/client/stripped.conf']);
  for (const address of valuesOf(configuration, 'Address'))
    await namespace.run(['ip', 'addr', 'add', address, 'dev', 'wg0']);
  await namespace.run(['ip', 'link', 'set', 'wg0', 'mtu', '1420', 'up']);
  const outward = await namespace.run(['ip', 'route', 'show', 'default', 'dev', device]);
  // Without the source address, which may change while the client is connected.
  const router = /via \S+/.exec(outward)?.[0].split(' ') ?? [];
  await namespace.run(['ip', 'route', 'replace', gateway, ...router, 'dev', device]);
  // When the cable is pulled, that route is gone; the tunnel would carry its own packets, round and round.
  await namespace.run(['ip', 'route', 'replace', 'unreachable', gateway, 'metric', '9999']);
  for (const half of ['0.0.0.0/1', '128.0.0.0/1']) await namespace.run(['ip', 'route', 'add', half, 'dev', 'wg0']);
  for (const half of ['::/1', '8000::/1']) await namespace.run(['ip', '-6', 'route', 'add', half, 'dev', 'wg0']);
}

/** Lets charon carry ESP itself where the kernel does not, without sending ESP into its own tunnel. */
const charonConf = (settings: string) => `charon {
  ${settings}
  load_modular = no
  load = random nonce openssl gcrypt hmac kdf drbg pem pkcs1 pkcs8 x509 pubkey constraints kernel-libipsec kernel-netlink socket-default vici eap-identity eap-mschapv2
  syslog { daemon { default = -1 } auth { default = -1 } }
  plugins {
    vici { socket = unix:///run/client/charon.vici }
    kernel-netlink { fwmark = !0x42 }
    socket-default { fwmark = 0x42 }
    kernel-libipsec { allow_peer_ts = yes }
  }
}
`;

const IKEV2_ENVIRONMENT = { STRONGSWAN_CONF: '/run/client/strongswan.conf', SWANCTL_DIR: '/run/swanctl' };

/** Asks the charon of a client. */
export function swanctl(namespace: Namespace, ...argv: readonly string[]): Promise<string> {
  return namespace.run(['swanctl', ...argv, '--uri', 'unix:///run/client/charon.vici'], { env: IKEV2_ENVIRONMENT });
}

/** `swanctl` and charon, with the connection as the portal handed it out and name and password filled in. */
export async function connectIkev2(
  { namespace }: ClientMachine,
  profile: string,
  authority: string,
  credentials: { readonly username: string; readonly ikePassword: string },
): Promise<StockClient> {
  const { username, ikePassword } = credentials;
  const connection = profile.replaceAll('USERNAME', `"${username}"`).replaceAll('PASSWORD', `"${ikePassword}"`);
  const child = await startCharonClient(namespace, connection, authority);
  await orStop(child, () => swanctl(namespace, '--initiate', '--child', ikev2Name(profile), '--timeout', '20'));
  return {
    namespace,
    output: () => child.output(),
    // It says goodbye on its way out.
    disconnect: async () => void (await child.stop(10_000)),
  };
}

/** A customer's charon that knows the connection and has not made it yet. `settings` are more lines for its section. */
export async function startCharonClient(
  namespace: Namespace,
  connection: string,
  authority: string,
  settings = '',
): Promise<Child> {
  place(namespace, '/run/client/strongswan.conf', charonConf(settings));
  place(namespace, '/run/swanctl/swanctl.conf', connection, 0o600);
  place(namespace, `/run/swanctl/x509ca/${/cacerts = (\S+)/.exec(connection)?.[1] ?? 'ca.crt'}`, authority);
  const child = await namespace.spawn(['/usr/lib/ipsec/charon', '--use-syslog'], { env: IKEV2_ENVIRONMENT });
  await orStop(child, async () => {
    await waitUntil('charon has started', () => succeeds(swanctl(namespace, '--stats')), 120_000);
    await swanctl(namespace, '--load-all', '--file', '/run/swanctl/swanctl.conf');
  });
  return child;
}

/** The one connection of a profile, and its child. */
export function ikev2Name(profile: string): string {
  return /connections \{\s+(\S+) \{/.exec(profile)?.[1] ?? '';
}

/** The comma-separated values of a key of a wg-quick file. */
export function valuesOf(configuration: string, key: string): string[] {
  const lines = configuration.split('\n').filter((line) => line.replaceAll(' ', '').startsWith(`${key}=`));
  return lines.flatMap((line) =>
    line
      .slice(line.indexOf('=') + 1)
      .split(',')
      .map((value) => value.trim()),
  );
}
