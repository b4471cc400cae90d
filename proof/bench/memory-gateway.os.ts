// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import type { KeyObject } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { GATEWAY_FILES, type GatewayPlan, planGateway } from '../../src/contracts/plan/plan.ts';
import { waitUntil } from '../../src/core/clock/until.ts';
import { writingJournal } from '../../src/core/journal/journal.ts';
import { prepareGeoip } from '../../src/gateway/geoip/prepare.os.ts';
import { compileWipe } from '../../src/gateway/residue/wipe.os.ts';
import { compileFlows } from '../../src/gateway/tunnels/firewall/start.os.ts';
import { joinByCable, type Namespace } from '../../src/host/namespaces/namespace.os.ts';
import { place } from '../../src/host/namespaces/place.os.ts';
import { compileFilter } from '../../src/host/processes/filter.os.ts';
import type { Child } from '../../src/host/processes/process.os.ts';
import { kernelCarriesEsp, layCables } from '../../src/onebox/cables.os.ts';
import { type RunningGateway, startGateway } from '../../src/onebox/gateway.os.ts';
import {
  GATEWAY_DOMAIN,
  issueFleetTls,
  openGatewayIdentity,
  openIdentity,
  type ServiceIdentity,
} from '../../src/onebox/identity.os.ts';
import { systemUsers, type Users } from '../../src/onebox/users.os.ts';
import { FakeControl } from '../labs/control/fake-control.os.ts';
import type { TestCustomer } from '../labs/customers/issuer.os.ts';
import { TestNetwork } from '../labs/network/network.os.ts';
import { isUp } from '../labs/openvpn/lab.os.ts';
import type { BenchContext } from './bench.ts';

/** A sealed auth file, and who signed it. */
export interface Sealed {
  readonly file: Uint8Array;
  readonly publicKey: KeyObject;
}

const OUTER = { gateway: '198.51.100.7', client: '198.51.100.20' };
const AUTH_FILE = '/fleet/v1/authfile';
const AT_ONCE = 5;
/** Milliseconds. As often as this, so that no round waits for long. */
const OFTEN = 1000;
/** Milliseconds after which what was collected has been given back to the machine. */
const SWEEPING = 500;
const COLLECT = new URL('collect-on-signal.os.ts', import.meta.url);

/** Megabytes. */
export interface Memory {
  /** Of the process, its program included. */
  readonly resident: number;
  /** In the heap and in buffers. */
  readonly held: number;
}

/** A gateway as `./lethe up` starts it, all daemons included, with a control that says what the benchmark needs. */
export class MeasuredGateway {
  readonly #running: RunningGateway;
  readonly #control: FakeControl;
  readonly #sealed: Sealed;
  readonly #connect: () => Promise<Child>;
  readonly #clients: Child[] = [];
  /** Sessions in the agent's last beat. */
  #listed = 0;
  /** Of the agent that runs. */
  #collections = 0;

  constructor(running: RunningGateway, control: FakeControl, sealed: Sealed, connect: () => Promise<Child>) {
    this.#running = running;
    this.#control = control;
    this.#sealed = sealed;
    this.#connect = connect;
    control.answer('/fleet/v1/beats', ({ body }, response) => {
      this.#listed = (JSON.parse(body) as { beats: unknown[] }).beats.length;
      response.end('{"end":[]}');
    });
  }

  /** A new agent, to whom control gives no auth file. */
  async restart(): Promise<void> {
    this.#control.answer(AUTH_FILE, (_heard, response) => response.writeHead(404).end());
    const agent = this.#running.program('agent');
    const before = agent.child;
    await before.stop();
    await waitUntil('the agent starts again', () => agent.child !== before);
    this.#collections = 0;
  }

  /** Resolves when the agent says that the auth file is in force. */
  async publish(): Promise<void> {
    this.#control.document(AUTH_FILE, this.#sealed.file, {
      etag: '"1"',
      'content-length': String(this.#sealed.file.length),
    });
    const agent = this.#running.program('agent').child;
    await waitUntil('the auth file is in force', () => agent.output().includes('authfile_in_force'), 60_000);
  }

  /** Resolves when the agent's beats list as many sessions. */
  async connect(count: number): Promise<void> {
    for (let left = count; left > 0; left -= AT_ONCE) {
      this.#clients.push(...(await Promise.all(Array.from({ length: Math.min(AT_ONCE, left) }, this.#connect))));
    }
    await waitUntil(`there are ${count} sessions`, () => this.#listed === count);
  }

  async disconnect(): Promise<void> {
    await Promise.all(this.#clients.splice(0).map((client) => client.stop()));
    await waitUntil('there is no session', () => this.#listed === 0);
  }

  /** What the agent holds when it has collected its garbage. */
  async memory(): Promise<Memory> {
    const agent = this.#running.program('agent').child;
    this.#collections += 1;
    const line = new RegExp(`^\\{"collections":${this.#collections},"held":(\\d+)\\}$`, 'm');
    agent.signal('SIGUSR2');
    await waitUntil('the agent collects garbage', () => line.test(agent.output()));
    await delay(SWEEPING);
    return { resident: residentOf(agent.pid), held: Number(line.exec(agent.output())?.[1]) / 1e6 };
  }

  /** Megabytes that the agent has ever held. */
  peak(): number {
    return megabytesOf(this.#running.program('agent').child.pid, 'VmHWM');
  }
}

/** Megabytes of a process that are in memory, shared or not. */
export function residentOf(pid: number): number {
  return megabytesOf(pid, 'VmRSS');
}

function megabytesOf(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kibibytes) * 1024) / 1e6;
}

/** Opens the gateway, lets it be measured, and leaves nothing. */
export async function withMeasuredGateway<T>(
  context: BenchContext,
  sealed: Sealed,
  customer: TestCustomer,
  measure: (gateway: MeasuredGateway) => Promise<T>,
): Promise<T> {
  await using opened = new AsyncDisposableStack();
  return await measure(await open(context, sealed, customer, opened));
}

async function open(
  deps: BenchContext,
  sealed: Sealed,
  customer: TestCustomer,
  opened: AsyncDisposableStack,
): Promise<MeasuredGateway> {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-bench-'));
  opened.defer(() => rmSync(directory, { recursive: true }));
  chmodSync(directory, 0o711);
  const [namespace, clients] = await opened.use(new TestNetwork()).machines(2);
  const { controlAddress } = await layCables(namespace, false);
  await joinByCable(
    { namespace, name: 'uplink', addresses: [`${OUTER.gateway}/24`] },
    { namespace: clients, name: 'eth0', addresses: [`${OUTER.client}/24`] },
  );
  const keys = join(directory, 'keys');
  const identity = await openIdentity(keys, 'Benchmark', deps);
  const tls = await issueFleetTls(keys, [controlAddress], deps);
  const control = await FakeControl.open(tls, 0, controlAddress);
  opened.defer(() => control.close());
  for (const path of ['usage', 'status']) {
    control.answer(`/fleet/v1/${path}`, (_heard, response) => response.writeHead(204).end());
  }
  const users = await systemUsers();
  const plan = await planOf(namespace, users);
  const signer = rawKey(sealed.publicKey);
  const running = await startGateway({
    ...deps,
    namespace: collecting(namespace),
    plan,
    identity: await openGatewayIdentity(keys, identity, plan, deps),
    agent: {
      controlUrl: control.url,
      authfileKey: signer,
      expectedKey: signer,
      geoip: prepareGeoip(join(directory, 'geoip')),
      intervals: { fetch: OFTEN, beats: OFTEN },
      release: '0.1.0',
    },
    controlAuthority: tls.authority,
    users,
    wipe: await compileWipe(directory),
    filter: await compileFilter(directory),
    flows: await compileFlows(join(directory, 'lethe-flows')),
    journal: writingJournal(() => undefined),
  });
  opened.defer(() => running.stop());
  return new MeasuredGateway(running, control, sealed, stockClient(clients, plan, identity, customer));
}

/** The agent is the only program of a gateway that this concerns. */
function collecting(namespace: Namespace): Namespace {
  const options = `--import=${COLLECT.href}`;
  return {
    ...namespace,
    spawn: (argv, { env, ...rest } = {}) => namespace.spawn(argv, { ...rest, env: { ...env, NODE_OPTIONS: options } }),
  };
}

async function planOf(namespace: Namespace, { agent, resolver, openvpn, charon }: Users): Promise<GatewayPlan> {
  return planGateway({
    gateway: 'bench-01',
    location: 'xx-bench',
    name: `bench-01.${GATEWAY_DOMAIN}`,
    address4: OUTER.gateway,
    users: { agent: agent.uid, resolver: resolver.uid, openvpn: openvpn.uid, charon: charon.uid },
    address6: undefined,
    uplink: 'uplink',
    esp: (await kernelCarriesEsp(namespace)) ? 'kernel' : 'libipsec',
  });
}

/** 32 bytes, base64. */
function rawKey(publicKey: KeyObject): string {
  const { x } = publicKey.export({ format: 'jwk' }) as { x: string };
  return Uint8Array.fromBase64(x, { alphabet: 'base64url' }).toBase64();
}

/**
 * Over TCP, where a server notices at once that a client has left. The clients share a machine, so they leave its
 * addresses and routes alone; for the gateway each is a session like any other.
 */
function stockClient(
  machine: Namespace,
  { address4, tunnels }: GatewayPlan,
  { caCertificate, tlsCryptKey }: ServiceIdentity,
  { username, password }: TestCustomer,
): () => Promise<Child> {
  place(machine, GATEWAY_FILES.caCertificate, caCertificate);
  place(machine, GATEWAY_FILES.tlsCryptKey, tlsCryptKey);
  place(machine, '/run/login', `${username}\n${password}\n`);
  const remote = ['--remote', address4, String(tunnels['openvpn-tcp'].port), '--proto', 'tcp4-client', '--nobind'];
  const trust = ['--ca', GATEWAY_FILES.caCertificate, '--tls-crypt', GATEWAY_FILES.tlsCryptKey];
  const login = ['--remote-cert-tls', 'server', '--auth-user-pass', '/run/login', '--auth-retry', 'none'];
  const inert = ['--dev', 'null', '--ifconfig-noexec', '--route-noexec', '--connect-retry', '1', '--verb', '3'];
  return async () => {
    const child = await machine.spawn(['openvpn', '--client', ...remote, ...trust, ...login, ...inert]);
    await waitUntil('the client connects', () => isUp(child) || !child.running, 30_000);
    assert.ok(isUp(child), child.output());
    return child;
  };
}
