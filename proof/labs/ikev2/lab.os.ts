// SPDX-License-Identifier: AGPL-3.0-or-later
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Ikev2Timing, render } from '../../../src/contracts/plan/ikev2/render.ts';
import { makeRadiusSecret } from '../../../src/contracts/plan/ikev2/secret.ts';
import { renderSection } from '../../../src/contracts/plan/ikev2/settings.ts';
import { GATEWAY_FILES, planGateway } from '../../../src/contracts/plan/plan.ts';
import { waitUntil } from '../../../src/core/clock/until.ts';
import { systemRandom } from '../../../src/core/random/random.ts';
import { compileWipe, wiped } from '../../../src/gateway/residue/wipe.os.ts';
import { startCharon } from '../../../src/gateway/tunnels/ikev2/start.os.ts';
import { joinByCable, type Namespace } from '../../../src/host/namespaces/namespace.os.ts';
import { place } from '../../../src/host/namespaces/place.os.ts';
import type { Child } from '../../../src/host/processes/process.os.ts';
import { TestAuthority } from '../authority/authority.ts';
import { startCharonClient, swanctl } from '../clients/client.os.ts';
import { AuthFileIssuer, type TestCustomer } from '../customers/issuer.os.ts';
import { answerOn, forwardPackets, openSwitch, routeBy, TestNetwork } from '../network/network.os.ts';
import { AGENT_USER, type Told } from './told.ts';

// A gateway with a real charon and the agent beside it, a stock charon as customer, and a host behind the gateway, each
// in a namespace of its own, for tests and benchmarks.

const OUTER = '198.51.100.1';
export const BEHIND = { four: '192.0.2.80', six: '2001:db8:80::80' } as const;
const AGENT = fileURLToPath(new URL('agent.main.ts', import.meta.url));
const WIPE = 'lethe-wipe.so';
/** A customer who gives up after ten seconds, so that tests need not wait. */
const IMPATIENT = 'retransmit_timeout = 1.0\n  retransmit_tries = 3';

export interface LabOptions {
  readonly customers: readonly TestCustomer[];
  readonly clients?: number;
  readonly timing?: Ikev2Timing;
  /** Whom charon runs as; the agent always runs unprivileged. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** How often the agent looks at what charon carries: `hasty` for tests, `calm` as gateways do. */
  readonly pace?: 'hasty' | 'calm';
  /** DNS name that the authority may certify, where it is not the gateway's. */
  readonly permitted?: string;
  /** Both wipe what they free, as on a gateway. */
  readonly wiping?: boolean;
}

const PLAN = planGateway({
  gateway: 'lab-01',
  location: 'xx-lab',
  name: 'gw.example',
  address4: OUTER,
  address6: undefined,
  uplink: 'wan',
  esp: 'libipsec',
});

interface Site {
  readonly gateway: Namespace;
  readonly behind: Namespace;
  readonly clients: readonly Namespace[];
}

/** What programs are given in files: the agent its auth file and the key to it, clients the authority (PEM). */
interface Given {
  readonly directory: string;
  readonly files: readonly string[];
  readonly ca: string;
}

export class Ikev2Lab {
  readonly plan = PLAN;
  readonly directory: string;
  readonly gateway: Namespace;
  readonly behind: Namespace;
  readonly clients: readonly Namespace[];
  readonly #given: Given;
  readonly #options: LabOptions;
  readonly #opened: AsyncDisposableStack;
  charon: Child | undefined;
  agent: Child | undefined;
  /** Everything that agents have told so far, over restarts. */
  readonly told: Told[] = [];
  readonly #agentOutput: string[] = [];

  constructor(site: Site, given: Given, options: LabOptions, opened: AsyncDisposableStack) {
    this.gateway = site.gateway;
    this.behind = site.behind;
    this.clients = site.clients;
    this.directory = given.directory;
    this.#given = given;
    this.#options = options;
    this.#opened = opened;
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
    let rest = '';
    this.agent = await this.gateway.spawn(
      [process.execPath, AGENT, ...this.#given.files, this.#options.pace ?? 'hasty'],
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
  startClient(index: number, username: string, password: string): Promise<Child> {
    const connection = renderSection(clientConnection(username, password));
    return startCharonClient(this.clients[index] as Namespace, connection, this.#given.ca, IMPATIENT);
  }

  swanctl(index: number, ...argv: readonly string[]): Promise<string> {
    return swanctl(this.clients[index] as Namespace, ...argv);
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
    await this.#opened.disposeAsync();
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
export async function openIkev2Lab(options: LabOptions): Promise<Ikev2Lab> {
  await using opened = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), 'lethe-lab-'));
  opened.defer(() => rmSync(directory, { recursive: true }));
  chmodSync(directory, 0o755);
  const issuer = new AuthFileIssuer();
  const files = issuer.write(directory, issuer.seal(options.customers));
  if (options.wiping === true) await compileWipe(directory);
  const rsa = () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const authority = await TestAuthority.create({ key: rsa(), permitted: [options.permitted ?? 'gw.example'] });
  const server = await authority.server('gw.example', [OUTER], rsa());
  const network = opened.use(new TestNetwork());
  const [gateway, behind] = await network.machines(2);
  const site = { gateway, behind, clients: await network.machines(options.clients ?? 1) };
  await wire(site);
  place(gateway, GATEWAY_FILES.serverCertificate, server.certificate);
  place(gateway, GATEWAY_FILES.serverKey, server.key);
  place(gateway, GATEWAY_FILES.radiusSecret, makeRadiusSecret(systemRandom));
  return new Ikev2Lab(site, { directory, files, ca: authority.certificate }, options, opened.move());
}

/** The clients and the gateway hang on one switch, and the host behind has a cable of its own. */
async function wire({ gateway, behind, clients }: Site): Promise<void> {
  await forwardPackets(gateway);
  await answerOn(gateway, [PLAN.service4, PLAN.service6]);
  await routeBy(
    { namespace: behind, name: 'eth0', addresses: [`${BEHIND.four}/24`, `${BEHIND.six}/64`] },
    { namespace: gateway, name: 'u0', addresses: ['192.0.2.1/24', '2001:db8:80::1/64'] },
  );
  const plugIn = await openSwitch(gateway, PLAN.uplink, [`${OUTER}/24`]);
  for (const [index, client] of clients.entries()) {
    const cable = `c${index}`;
    await joinByCable(
      { namespace: client, name: 'eth0', addresses: [`${clientAddress(index)}/24`] },
      { namespace: gateway, name: cable, addresses: [] },
    );
    await plugIn(cable);
  }
  // An IPv6 address answers nobody until it was looked for twice (RFC 4862); who asks too early is told that it is not there.
  await gateway.run(['ping', '-q', '-c1', '-w20', BEHIND.six]);
}
