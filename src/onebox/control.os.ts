// SPDX-License-Identifier: AGPL-3.0-or-later
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WIPING } from '../control/program/collect.os.ts';
import type { ControlConfigFile } from '../control/program/config.ts';
import { prepareNetworkNames } from '../gateway/geoip/prepare.os.ts';
import { replaceFile } from '../host/files/replace.os.ts';
import { ownProgram } from '../host/processes/privileges.os.ts';
import { spawnChild } from '../host/processes/process.os.ts';
import { untilSays } from '../host/processes/ready.os.ts';
import { FLEET_PORT } from './cables.os.ts';
import type { About, GatewayOptions } from './options.ts';
import type { ServiceParts } from './parts.ts';
import { heardFrom } from './relay.ts';
import type { GatewaySite } from './site.os.ts';
import { type Supervised, supervise } from './supervisor.ts';

const CONTROL = fileURLToPath(new URL('../../cmd/control.ts', import.meta.url));

/** What control knows of a gateway's keys. */
export interface GatewayPublicKeys {
  /** SHA-256 of its bearer token, in hex. */
  readonly tokenHash: string;
  /** WireGuard's public key, base64. */
  readonly wireguardKey: string;
}

/** How control is started with a configuration file: what it showed a customer is wiped once it is collected. */
export function controlCommand(config: string): { readonly argv: readonly string[]; readonly env: typeof WIPING } {
  return { argv: [process.execPath, CONTROL, '--config', config], env: WIPING };
}

export interface StartedControl {
  readonly control: Supervised;
  readonly portal: string;
  readonly fleet: string;
  /** Has control start again with a gateway's new keys. */
  readonly restartWith: (keys: GatewayPublicKeys) => void;
}

/** Writes what control is told, starts it and waits until it serves. `keys` are those of the gateway, if there is one. */
export async function startControl(parts: ServiceParts, keys?: GatewayPublicKeys): Promise<StartedControl> {
  const { deps } = parts;
  let current: ControlInputs = { parts, keys };
  const config = writeControlFiles(current);
  let urls: { portal: string; fleet: string } | undefined;
  const control = await supervise({
    name: 'control',
    journal: deps.journal,
    clock: deps.clock,
    start: async () => {
      const { argv, env } = controlCommand(config);
      const child = spawnChild(argv, { ...ownProgram(parts.filter), ...heardFrom('control', deps.heard), env });
      const line = await untilSays(child, 'control', /\{"ready":"control".*\}/);
      if (urls === undefined) {
        urls = JSON.parse(line[0]) as { portal: string; fleet: string };
        current = { ...current, parts: settled(parts, urls.portal) };
        writeControlFiles(current);
      }
      return child;
    },
  });
  return {
    control,
    portal: urls?.portal ?? '',
    fleet: urls?.fleet ?? '',
    restartWith(changed) {
      current = { ...current, keys: changed };
      writeControlFiles(current);
      control.child.signal('SIGTERM');
    },
  };
}

/** Where the kernel chose the portal's port, a control that is started again takes the same one, so that it is found. */
function settled(parts: ServiceParts, portal: string): ServiceParts {
  const { listen } = parts.options;
  if (listen.port !== 0) return parts;
  return { ...parts, options: { ...parts.options, listen: { ...listen, port: Number(new URL(portal).port) } } };
}

interface ControlInputs {
  readonly parts: ServiceParts;
  readonly keys: GatewayPublicKeys | undefined;
}

/** Control reads these before it gives up root, and can read none of them afterwards. */
function writeControlFiles({ parts, keys }: ControlInputs): string {
  const { options, users, identity, database, site } = parts;
  const directory = join(options.directory, 'control');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = (name: string, content: string): string => {
    const path = join(directory, name);
    replaceFile(path, content, { mode: 0o600 });
    return path;
  };
  const signing = file('signing.pem', identity.signingKey);
  const config: ControlConfigFile = {
    name: options.name,
    database: database.socket,
    listen: { address: options.listen.host, port: options.listen.port },
    ...(options.origin === undefined ? {} : { publicOrigin: options.origin }),
    ...told(options.about),
    ...(options.accounts === undefined ? {} : { mostAccounts: options.accounts }),
    ...(users === undefined ? {} : { user: users.control }),
    caCertificate: file('ca.crt', identity.caCertificate),
    tlsCryptKey: file('tls-crypt.key', identity.tlsCryptKey),
    keys: { authfile: signing, expected: signing, locations: signing, usage: file('usage.key', identity.usageKey) },
    ...(site === undefined || options.gateway === undefined || keys === undefined
      ? {}
      : { fleet: fleetOf(options.gateway, site, keys, file, options.directory) }),
  };
  return file('control.json', JSON.stringify(config, null, 2));
}

/** What the pages say about the service. JSON leaves out what is undefined. */
function told({ source, ...about }: About = {}): Pick<ControlConfigFile, 'about' | 'sourceUrl'> {
  return { about, ...(source === undefined ? {} : { sourceUrl: source }) };
}

function fleetOf(
  gateway: GatewayOptions,
  { cables, plan, tls }: GatewaySite,
  keys: GatewayPublicKeys,
  file: (name: string, content: string) => string,
  directory: string,
): NonNullable<ControlConfigFile['fleet']> {
  return {
    listen: { address: cables.controlAddress, port: FLEET_PORT },
    certificate: file('fleet.crt', tls.certificate),
    key: file('fleet.key', tls.key),
    networkNames: prepareNetworkNames(join(directory, 'geoip')),
    locations: [gateway.location],
    gateways: [
      {
        gateway: plan.gateway,
        location: plan.location,
        name: plan.name,
        address4: plan.address4,
        listen4: plan.listen4,
        openvpnTcpPort: plan.tunnels['openvpn-tcp'].port,
        ...(plan.address6 === undefined ? {} : { address6: plan.address6 }),
        uplink: plan.uplink,
        forwarders: plan.forwarders === 'root' ? 'root' : [...plan.forwarders],
        esp: plan.esp,
        users: plan.users,
        ...keys,
      },
    ],
  };
}
