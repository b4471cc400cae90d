// SPDX-License-Identifier: AGPL-3.0-or-later
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { openvpnAuthTokenKey, openvpnStaticKey } from '../../../src/contracts/pki/keys.ts';
import { renderServer } from '../../../src/contracts/plan/openvpn/render.ts';
import {
  managementSocket,
  type OpenvpnProtocol,
  type OpenvpnServer,
  openvpnServer,
} from '../../../src/contracts/plan/openvpn/server.ts';
import { GATEWAY_FILES, planGateway } from '../../../src/contracts/plan/plan.ts';
import { waitUntil } from '../../../src/core/clock/until.ts';
import { systemRandom } from '../../../src/core/random/random.ts';
import { startOpenvpn } from '../../../src/gateway/tunnels/openvpn/start.os.ts';
import type { Namespace } from '../../../src/host/namespaces/namespace.os.ts';
import { outside, place } from '../../../src/host/namespaces/place.os.ts';
import type { Child } from '../../../src/host/processes/process.os.ts';
import { type Certified, TestAuthority } from '../authority/authority.ts';
import { answerOn, routeBy, TestNetwork } from '../network/network.os.ts';

// A gateway with real OpenVPN servers and stock clients, each in a namespace of its own, for tests and benchmarks.

/** Throw-away keys, made once per process. */
interface LabKeys {
  readonly ca: string;
  readonly server: Certified;
  readonly tlsCrypt: string;
  readonly authToken: string;
  /** For servers that ask for no password. */
  readonly client: Certified;
}

let keys: Promise<LabKeys> | undefined;

function labKeys(): Promise<LabKeys> {
  keys ??= makeKeys();
  return keys;
}

/** RSA as gateways have it, but shorter: a key of 4096 bits takes seconds. */
async function makeKeys(): Promise<LabKeys> {
  const rsa = () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const authority = await TestAuthority.create({ key: rsa(), permitted: ['gw.example', 'client.example'] });
  return {
    ca: authority.certificate,
    server: await authority.server('gw.example', [], rsa()),
    tlsCrypt: openvpnStaticKey(systemRandom),
    authToken: openvpnAuthTokenKey(systemRandom),
    client: await authority.client('client.example'),
  };
}

/** How a server decides about clients, where not as rendered. */
export interface Admission {
  /** Lines of the rendered configuration that stay away, by their first word. */
  readonly without: readonly string[];
  readonly instead: readonly string[];
  /** The client shows its certificate and is asked for nothing else. */
  readonly byCertificate: boolean;
  /** What must be in the gateway before the server starts. */
  readonly prepare?: (gateway: Namespace) => Promise<unknown>;
}

export interface LabOptions {
  readonly protocols?: readonly OpenvpnProtocol[];
  readonly clients?: number;
  /** Outer addresses of the clients, each in a network of 256 of its own. */
  readonly addresses?: readonly string[];
  /** Changes to the servers as the plan gives them, such as shorter timers. */
  readonly server?: Partial<OpenvpnServer>;
  /** Another way to let clients in, for comparisons. */
  readonly admission?: Admission;
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly agentGroup?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export interface ConnectOptions {
  /** Which address of the gateway to ask. */
  readonly address?: string;
  readonly protocol?: OpenvpnProtocol;
  readonly extra?: readonly string[];
}

const AS_RENDERED: Admission = { without: [], instead: [], byCertificate: false };
const OUTER = '198.51.100.1';
export const OUTER6 = '2001:db8::1';
/** Over TCP a server notices at once that a client has gone; over UDP it takes five seconds even when it is told. */
const DEFAULT: OpenvpnProtocol = 'openvpn-tcp';

const PLAN = planGateway({
  gateway: 'lab-01',
  location: 'xx-lab',
  name: 'gw.example',
  address4: OUTER,
  address6: undefined,
  uplink: 'c0',
});

interface Site {
  readonly gateway: Namespace;
  readonly clients: readonly Namespace[];
}

export class OpenvpnLab {
  readonly plan = PLAN;
  readonly gateway: Namespace;
  readonly clients: readonly Namespace[];
  readonly #options: LabOptions;
  readonly #keys: LabKeys;
  readonly #network: TestNetwork;
  readonly #connected = new Set<Child>();
  readonly #servers = new Map<OpenvpnProtocol, Child>();

  constructor(site: Site, keys: LabKeys, options: LabOptions, network: TestNetwork) {
    this.gateway = site.gateway;
    this.clients = site.clients;
    this.#keys = keys;
    this.#options = options;
    this.#network = network;
  }

  /** The management socket as seen from outside the gateway. */
  socket(protocol: OpenvpnProtocol = DEFAULT): string {
    return outside(this.gateway, managementSocket(protocol));
  }

  server(protocol: OpenvpnProtocol = DEFAULT): Child {
    return this.#servers.get(protocol) as Child;
  }

  /** Resolves when the server listens. */
  async startServer(protocol: OpenvpnProtocol = DEFAULT): Promise<Child> {
    const rendered = renderServer({ ...openvpnServer(this.plan, protocol), ...this.#options.server });
    const { without, instead } = this.#options.admission ?? AS_RENDERED;
    const kept = rendered.content.split('\n').filter((line) => !without.includes(line.split(' ')[0] as string));
    place(this.gateway, `${GATEWAY_FILES.directory}/${rendered.name}`, [...kept, ...instead, ''].join('\n'));
    const child = await startOpenvpn(this.gateway, protocol, GATEWAY_FILES.directory, this.#options);
    this.#servers.set(protocol, child);
    await waitUntil('the server listens', () => this.#listens(protocol));
    return child;
  }

  /** See proc_pid_net(5): addresses and ports are written in hexadecimal there. */
  #listens(protocol: OpenvpnProtocol): boolean {
    const table = protocol === 'openvpn-udp' ? 'udp' : 'tcp';
    const sockets = [table, `${table}6`].map((name) => readFileSync(`/proc/${this.gateway.pid}/net/${name}`, 'utf8'));
    const port = this.plan.tunnels[protocol].port.toString(16).toUpperCase().padStart(4, '0');
    return new RegExp(`:${port} 0+:0000 `).test(sockets.join(''));
  }

  /** A stock client. It prints what it would show to a person. */
  async connect(index: number, username: string, password: string, options: ConnectOptions = {}): Promise<Child> {
    const client = this.clients[index] as Namespace;
    const protocol = options.protocol ?? DEFAULT;
    place(client, '/run/ca.crt', this.#keys.ca);
    place(client, '/run/tls-crypt.key', this.#keys.tlsCrypt);
    place(client, '/run/login', `${username}\n${password}\n`);
    const { address = OUTER, extra = [] } = options;
    const family = address.includes(':') ? '6' : '4';
    const transport = protocol === 'openvpn-udp' ? `udp${family}` : `tcp${family}-client`;
    const remote = ['--remote', address, String(this.plan.tunnels[protocol].port), '--proto', transport, '--nobind'];
    const trust = ['--ca', '/run/ca.crt', '--tls-crypt', '/run/tls-crypt.key', '--remote-cert-tls', 'server'];
    place(client, '/run/client.pem', this.#keys.client.certificate + this.#keys.client.key);
    const login = this.#options.admission?.byCertificate
      ? ['--cert', '/run/client.pem', '--key', '/run/client.pem']
      : ['--auth-user-pass', '/run/login', '--auth-retry', 'none'];
    const argv = ['openvpn', '--client', '--dev', 'tun', '--verb', '3', ...remote, ...trust, ...login];
    const child = await client.spawn([...argv, ...extra]);
    this.#connected.add(child);
    return child;
  }

  /** A stock client, once its tunnel is up. */
  async connected(index: number, username: string, password: string, options: ConnectOptions = {}): Promise<Child> {
    const child = await this.connect(index, username, password, options);
    await waitUntil('the client connects', () => isUp(child) || !child.running);
    if (!isUp(child)) throw new Error(`the client ended: ${child.output()}`);
    return child;
  }

  async disconnectAll(): Promise<void> {
    await Promise.all(Array.from(this.#connected, (client) => client.stop()));
    this.#connected.clear();
  }

  async close(): Promise<void> {
    await this.#network.close();
  }
}

export function isUp(client: Child): boolean {
  return client.output().includes('Initialization Sequence Completed');
}

/** A gateway, its servers and as many clients, joined by cables. Needs root. */
export async function openOpenvpnLab(options: LabOptions = {}): Promise<OpenvpnLab> {
  const keys = await labKeys();
  await using opened = new AsyncDisposableStack();
  const network = opened.use(new TestNetwork());
  const site = { gateway: await network.machine(), clients: await network.machines(options.clients ?? 1) };
  await wire(site, options.addresses);
  place(site.gateway, GATEWAY_FILES.caCertificate, keys.ca);
  place(site.gateway, GATEWAY_FILES.serverCertificate, keys.server.certificate);
  place(site.gateway, GATEWAY_FILES.serverKey, keys.server.key);
  place(site.gateway, GATEWAY_FILES.tlsCryptKey, keys.tlsCrypt);
  place(site.gateway, GATEWAY_FILES.authTokenKey, keys.authToken);
  await options.admission?.prepare?.(site.gateway);
  const lab = new OpenvpnLab(site, keys, options, network);
  for (const protocol of options.protocols ?? [DEFAULT]) await lab.startServer(protocol);
  opened.move();
  return lab;
}

/** Each client has a cable of its own to the gateway, which answers on one address for all of them. */
async function wire({ gateway, clients }: Site, addresses: readonly string[] = []): Promise<void> {
  await answerOn(gateway, [OUTER, OUTER6, PLAN.service4]);
  for (const [index, client] of clients.entries()) {
    const address = addresses[index] ?? `203.0.${113 + index}.2`;
    const network6 = `2001:db8:${index + 1}::`;
    await routeBy(
      { namespace: client, name: 'eth0', addresses: [`${address}/24`, `${network6}2/64`] },
      { namespace: gateway, name: `c${index}`, addresses: [address.replace(/\d+$/, '1/24'), `${network6}1/64`] },
    );
  }
}
