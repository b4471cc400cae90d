// SPDX-License-Identifier: AGPL-3.0-or-later
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ntHashOf } from '../../../src/bytes/hashes/md4.ts';
import { nameKeyOf, verifierOf } from '../../../src/contracts/authfile/credential.ts';
import { sealAuthFile } from '../../../src/contracts/authfile/seal.ts';
import { type Ikev2Timing, render } from '../../../src/contracts/plan/ikev2/render.ts';
import { makeRadiusSecret } from '../../../src/contracts/plan/ikev2/secret.ts';
import { renderSection } from '../../../src/contracts/plan/ikev2/settings.ts';
import { GATEWAY_FILES, type GatewayPlan, planGateway } from '../../../src/contracts/plan/plan.ts';
import type { EpochDay } from '../../../src/core/clock/clock.ts';
import { parseIsoDate } from '../../../src/core/clock/clock.ts';
import { waitUntil } from '../../../src/core/clock/until.ts';
import type { LicenceId, UsageTag } from '../../../src/core/licences/licence.ts';
import { systemRandom } from '../../../src/core/random/random.ts';
import { compileWipe, wiped } from '../../../src/gateway/residue/wipe.os.ts';
import { startCharon } from '../../../src/gateway/tunnels/ikev2/start.os.ts';
import { joinByCable, type Namespace, openNamespace } from '../../../src/host/namespaces/namespace.os.ts';
import { place } from '../../../src/host/namespaces/place.os.ts';
import { type Child, run } from '../../../src/host/processes/process.os.ts';
import type { Told } from './laboratory-agent.os.ts';

// A gateway with a real charon and the agent beside it, a stock charon as customer, and a host behind the gateway, each
// in a namespace of its own, for tests and benchmarks.

const OUTER = '198.51.100.1';
export const BEHIND = { four: '192.0.2.80', six: '2001:db8:80::80' } as const;
const AGENT = fileURLToPath(new URL('laboratory-agent.os.ts', import.meta.url));
const WIPE = 'lethe-wipe.so';
const CHARON = '/usr/lib/ipsec/charon';
const CLIENT_VICI = 'unix:///run/client.vici';

export interface Customer {
  readonly username: string;
  readonly password: string;
  readonly seats?: number;
  /** `2026-11-21` */
  readonly expiresOn?: string;
}

export interface LabOptions {
  readonly customers: readonly Customer[];
  readonly clients?: number;
  readonly timing?: Ikev2Timing;
  /** Whom charon runs as; the agent always runs unprivileged. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** How often the agent looks at what charon carries: `hasty` for tests, `calm` as gateways do. */
  readonly pace?: 'hasty' | 'calm';
  /** Both wipe what they free, as on a gateway. */
  readonly wiping?: boolean;
}

/** Ids that belong to nobody. */
export const AGENT_USER = { uid: 61_001, gid: 61_001 } as const;

export class Laboratory {
  readonly plan: GatewayPlan;
  readonly directory: string;
  readonly gateway: Namespace;
  readonly behind: Namespace;
  readonly clients: readonly Namespace[];
  readonly #options: LabOptions;
  charon: Child | undefined;
  agent: Child | undefined;
  /** Everything that agents have told so far, over restarts. */
  readonly told: Told[] = [];
  readonly #agentOutput: string[] = [];

  constructor(directory: string, namespaces: readonly Namespace[], options: LabOptions) {
    const [gateway, behind, ...clients] = namespaces;
    this.directory = directory;
    this.gateway = gateway as Namespace;
    this.behind = behind as Namespace;
    this.clients = clients;
    this.#options = options;
    this.plan = planGateway({
      gateway: 'lab-01',
      location: 'xx-lab',
      name: 'gw.example',
      address4: OUTER,
      address6: undefined,
      uplink: 'wan',
      esp: 'libipsec',
    });
  }

  async startCharon(): Promise<Child> {
    const files = render(this.plan, this.#options.timing);
    for (const file of files) place(this.gateway, `${GATEWAY_FILES.directory}/${file.name}`, file.content);
    this.charon = await startCharon(this.gateway, GATEWAY_FILES.directory, {
      agentGroup: AGENT_USER.gid,
      ...(this.#options.user === undefined ? {} : { user: this.#options.user }),
      ...this.#wiping(),
    });
    return this.charon;
  }

  /** Starts the agent and waits until it serves. */
  async startAgent(): Promise<Child> {
    const before = this.count('serving');
    const at = (name: string) => join(this.directory, name);
    let rest = '';
    this.agent = await this.gateway.spawn(
      [process.execPath, AGENT, at('authfile'), at('authfile.pub'), this.#options.pace ?? 'hasty'],
      {
        ...this.#wiping(),
        onOutput: (text) => {
          const lines = (rest + text).split('\n');
          rest = lines.pop() as string;
          for (const line of lines) this.#hear(line);
        },
      },
    );
    await waitUntil('the agent serves', () => this.count('serving') > before || this.agent?.running === false);
    if (!this.agent.running) throw new Error(`the agent ended: ${this.#agentOutput.join('\n')}`);
    return this.agent;
  }

  /** What the agent said that was not JSON of its own: its journal, and perhaps a stack. */
  agentSaid(): string {
    return this.#agentOutput.join('\n');
  }

  count(told: Told['told']): number {
    return this.told.filter((one) => one.told === told).length;
  }

  /** The last total of this kind. */
  bytes(told: 'progress' | 'ended' | 'used'): number {
    const last = this.told.findLast((one) => one.told === told);
    return last !== undefined && 'totalBytes' in last ? last.totalBytes : -1;
  }

  /** Starts a customer's charon. */
  async startClient(index: number, username: string, password: string): Promise<Child> {
    const client = this.clients[index] as Namespace;
    place(client, '/run/strongswan.conf', renderSection(CLIENT_DAEMON));
    place(client, '/run/swanctl/swanctl.conf', renderSection(clientConnection(username, password)));
    place(client, '/run/swanctl/x509ca/ca.crt', readFileSync(join(this.directory, 'ca.crt'), 'utf8'));
    const env = { STRONGSWAN_CONF: '/run/strongswan.conf' };
    const child = await client.spawn([CHARON, '--use-syslog'], { env });
    await client.run(['sh', '-c', 'until grep -q "00010000 .* /run/client.vici" /proc/net/unix; do sleep 0.02; done']);
    await client.run(['swanctl', '--load-all', '--file', '/run/swanctl/swanctl.conf', '--uri', CLIENT_VICI], { env });
    return child;
  }

  swanctl(index: number, ...argv: readonly string[]): Promise<string> {
    const client = this.clients[index] as Namespace;
    return client.run(['swanctl', ...argv, '--uri', CLIENT_VICI], { env: { STRONGSWAN_CONF: '/run/strongswan.conf' } });
  }

  /** Gives what the client shows to a person; throws with it when the connection fails. */
  connect(index: number): Promise<string> {
    return this.swanctl(index, '--initiate', '--child', 'net', '--timeout', '15');
  }

  async disconnect(index: number): Promise<void> {
    await this.swanctl(index, '--terminate', '--ike', 'home', '--timeout', '10');
  }

  async close(): Promise<void> {
    await this.agent?.stop();
    await Promise.all([this.gateway, this.behind, ...this.clients].map((namespace) => namespace.close()));
    rmSync(this.directory, { recursive: true });
  }

  #wiping(): { env?: Readonly<Record<string, string>> } {
    return this.#options.wiping === true ? wiped(join(this.directory, WIPE)) : {};
  }

  #hear(line: string): void {
    const value: unknown = line.startsWith('{') ? JSON.parse(line) : undefined;
    if (typeof value === 'object' && value !== null && 'told' in value) this.told.push(value as Told);
    else this.#agentOutput.push(line);
  }
}

/** libipsec at a customer's end asks for the two marks; without them ESP packets go into their own tunnel. */
const CLIENT_DAEMON = {
  charon: {
    load_modular: false,
    load:
      'random nonce openssl gcrypt hmac kdf drbg pem pkcs1 pkcs8 x509 pubkey constraints kernel-libipsec ' +
      'kernel-netlink socket-default vici eap-identity eap-mschapv2',
    syslog: { daemon: { default: -1 }, auth: { default: -1 } },
    retransmit_timeout: '1.0',
    retransmit_tries: 3,
    plugins: {
      vici: { socket: CLIENT_VICI },
      'kernel-netlink': { fwmark: '!0x42' },
      'socket-default': { fwmark: '0x42' },
      'kernel-libipsec': { allow_peer_ts: true },
    },
  },
};

function clientConnection(username: string, password: string) {
  return {
    connections: {
      home: {
        version: 2,
        remote_addrs: OUTER,
        vips: ['0.0.0.0', '::'],
        proposals: 'aes256gcm16-prfsha384-ecp384',
        local: { auth: 'eap-mschapv2', eap_id: `"${username}"` },
        remote: { auth: 'pubkey', id: 'gw.example' },
        children: { net: { remote_ts: ['0.0.0.0/0', '::/0'], esp_proposals: 'aes256gcm16-ecp384' } },
      },
    },
    secrets: { eap: { id: `"${username}"`, secret: `"${password}"` } },
  };
}

export function clientAddress(index: number): string {
  return `198.51.100.${77 + index}`;
}

/** Needs root. charon and the agent are not started yet. */
export async function openLaboratory(options: LabOptions): Promise<Laboratory> {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-lab-'));
  await run(['chmod', '755', directory]);
  const count = 2 + (options.clients ?? 1);
  const laboratory = new Laboratory(
    directory,
    await Promise.all(Array.from({ length: count }, openNamespace)),
    options,
  );
  try {
    await makeCertificates(directory);
    writeAuthFile(directory, options.customers);
    if (options.wiping === true) await compileWipe(directory);
    const { gateway } = laboratory;
    place(gateway, GATEWAY_FILES.serverCertificate, readFileSync(join(directory, 'server.crt'), 'utf8'));
    place(gateway, GATEWAY_FILES.serverKey, readFileSync(join(directory, 'server.key'), 'utf8'));
    place(gateway, GATEWAY_FILES.radiusSecret, makeRadiusSecret(systemRandom));
    await wire(laboratory);
    return laboratory;
  } catch (error) {
    await laboratory.close();
    throw error;
  }
}

async function makeCertificates(directory: string): Promise<void> {
  const at = (name: string) => join(directory, name);
  const self = ['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2'];
  await run([...self, '-subj', '/CN=lab authority', '-keyout', at('ca.key'), '-out', at('ca.crt')]);
  const issue = ['-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-subj', '/CN=gw.example', '-keyout', at('server.key')];
  const extensions = ['extendedKeyUsage=serverAuth', 'basicConstraints=CA:FALSE', 'subjectAltName=DNS:gw.example'];
  await run([...self, ...issue, ...extensions.flatMap((one) => ['-addext', one]), '-out', at('server.crt')]);
}

function writeAuthFile(directory: string, customers: readonly Customer[]): void {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const salt = systemRandom.bytes(14);
  const logins = customers.map(({ username, password, seats = 5, expiresOn = '2126-01-01' }, index) => ({
    verifier: verifierOf(salt, username, password),
    nameKey: nameKeyOf(salt, username),
    ntHash: ntHashOf(password),
    entitlement: {
      licence: (index + 1) as LicenceId,
      expiresOn: parseIsoDate(expiresOn) as EpochDay,
      seats,
      usageTag: systemRandom.bytes(8).toHex() as UsageTag,
    },
  }));
  writeFileSync(join(directory, 'authfile'), sealAuthFile({ version: 1, salt, logins, peers: [] }, privateKey));
  writeFileSync(join(directory, 'authfile.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
}

/** The clients and the gateway hang on one switch, and the host behind has a cable of its own. */
async function wire({ gateway, behind, clients, plan }: Laboratory): Promise<void> {
  await gateway.run(['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']);
  await gateway.run(['ip', 'link', 'add', plan.uplink, 'type', 'bridge']);
  await gateway.run(['ip', 'addr', 'add', `${OUTER}/24`, 'dev', plan.uplink]);
  await gateway.run(['ip', 'link', 'set', plan.uplink, 'up']);
  await gateway.run(['ip', 'addr', 'add', `${plan.service4}/32`, 'dev', 'lo']);
  await gateway.run(['ip', 'addr', 'add', `${plan.service6}/128`, 'dev', 'lo', 'nodad']);
  await joinByCable(
    { namespace: gateway, name: 'u0', addresses: ['192.0.2.1/24', '2001:db8:80::1/64'] },
    { namespace: behind, name: 'eth0', addresses: [`${BEHIND.four}/24`, `${BEHIND.six}/64`] },
  );
  await behind.run(['ip', 'route', 'add', 'default', 'via', '192.0.2.1']);
  await behind.run(['ip', '-6', 'route', 'add', 'default', 'via', '2001:db8:80::1']);
  for (const [index, client] of clients.entries()) {
    await joinByCable(
      { namespace: gateway, name: `c${index}`, addresses: [] },
      { namespace: client, name: 'eth0', addresses: [`${clientAddress(index)}/24`] },
    );
    await gateway.run(['ip', 'link', 'set', `c${index}`, 'master', plan.uplink]);
  }
}
