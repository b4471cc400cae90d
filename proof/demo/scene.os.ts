// SPDX-License-Identifier: AGPL-3.0-or-later
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../src/core/clock/clock.ts';
import { writingJournal } from '../../src/core/journal/journal.ts';
import type { Random } from '../../src/core/random/random.ts';
import type { Namespace } from '../../src/host/namespaces/namespace.os.ts';
import { Progress, type Terminal } from '../../src/host/terminal/terminal.ts';
import { FLEET_NAME, GATEWAY_DOMAIN } from '../../src/onebox/identity.os.ts';
import type { Address } from '../../src/onebox/machine.os.ts';
import type { Attachment, GatewayOptions, ServiceSeams } from '../../src/onebox/options.ts';
import { type Service, startService } from '../../src/onebox/service.os.ts';
import { openRelay, type Relay } from '../hunt/relay.os.ts';
import { INTERNET } from '../labs/internet/start.os.ts';
import { homeAddress6, openWorld, ROUTER4, type World } from '../labs/internet/world.os.ts';

/** A fresh service in a directory of its own, with a small world around it and ears between gateway and control. */
export interface Scene {
  readonly world: World;
  readonly service: Service;
  /** Undefined with an image. */
  readonly relay: Relay | undefined;
  readonly relayAddress: string;
  /** PEM: signed what the relay shows. */
  readonly relayAuthority: string;
  readonly directory: string;
  /** What the service's programs have said so far. */
  said(): string;
  close(): Promise<void>;
}

export interface SceneDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly release: string;
  readonly listen: Address;
  /** Where progress goes. */
  readonly terminal: Terminal;
  /** Milliseconds without a handshake after which a WireGuard client is gone. */
  readonly wireguardIdle?: number;
  /** Directory of a signed release; the gateway then runs in a virtual machine, and its journal is not read. */
  readonly image?: string;
  /** Of that machine. */
  readonly hardware?: ServiceSeams['hardware'];
  /** Holds database and keys. Without it, they are in a directory that goes away with the scene. */
  readonly directory?: string;
}

/** Short enough to watch. A real gateway's are in src/contracts/plan/agent-config.ts. */
const INTERVALS = {
  fetch: 1000,
  beats: 2000,
  outbox: 2000,
  status: 5000,
  sweep: 5000,
  wireguardIdle: 15_000,
  wireguardRest: 1000,
} as const;

const GATEWAY4 = '198.51.100.7';
/** What a virtual machine sees of its way into the demo's world. */
const MACHINE_UPLINK = { router4: ROUTER4, prefix: 24, namespace4: '198.51.100.250' } as const;

/** Everything is in memory or below one temporary directory, and `close` removes it. */
export async function openScene(deps: SceneDeps): Promise<Scene> {
  await using opened = new AsyncDisposableStack();
  const directory = deps.directory ?? temporaryIn(opened);
  const lines: string[] = [];
  const world = opened.use(await openWorld());
  const ears = earsIn(opened);
  const service = await startService(
    { directory, listen: deps.listen, name: 'Lethe', gateway: gatewayOptions(deps) },
    {
      ...deps,
      journal: writingJournal((line) => lines.push(line)),
      progress: new Progress(deps.terminal, deps.clock),
    },
    {
      attach: (namespace) => attachTo(world, namespace, deps.random),
      ...(deps.image === undefined ? { relay: ears.relay } : {}),
      ...(deps.hardware === undefined ? {} : { hardware: deps.hardware }),
    },
  );
  opened.defer(() => service.stop());
  const { running, machine } = service.gateway ?? {};
  const programs = [service.control, ...(running?.programs ?? []), ...(machine ? [machine.activator] : [])];
  const kept = opened.move();
  return {
    world,
    service,
    ...ears.placed(),
    directory,
    said: () => [...lines, ...programs.map((program) => program.child.output())].join('\n'),
    close: () => kept.disposeAsync(),
  };
}

function temporaryIn(opened: AsyncDisposableStack): string {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-demo-'));
  opened.defer(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

type Placing = NonNullable<ServiceSeams['relay']>;

/** What places a relay when the service asks for it, and tells where it was placed. */
function earsIn(opened: AsyncDisposableStack) {
  let relay: Relay | undefined;
  let [relayAddress, relayAuthority] = ['', ''];
  const place: Placing = async (control, tls, address) => {
    const { port, hostname } = new URL(control);
    const upstream = { host: hostname, port: Number(port), ca: tls.authority, name: FLEET_NAME };
    const between = await openRelay({ listen: { host: address, port: 0, ...tls }, upstream });
    opened.defer(() => between.close());
    [relay, relayAddress, relayAuthority] = [between, address, tls.authority];
    return `https://${address}:${between.port}`;
  };
  return { relay: place, placed: () => ({ relay, relayAddress, relayAuthority }) };
}

function gatewayOptions({ wireguardIdle = INTERVALS.wireguardIdle, image }: SceneDeps): GatewayOptions {
  return {
    gateway: 'demo-01',
    location: { id: 'demo-here', name: 'This machine', country: 'XX' },
    name: `demo-01.${GATEWAY_DOMAIN}`,
    forwarders: [INTERNET.address4],
    intervals: { ...INTERVALS, wireguardIdle },
    ...(image === undefined ? {} : { image }),
  };
}

/** The gateway's uplink is a cable to the world's router. */
async function attachTo(world: World, namespace: Namespace, random: Random): Promise<Attachment> {
  const addresses = { address4: GATEWAY4, address6: homeAddress6(random) };
  await world.attach(namespace, 'gw0', 'uplink', addresses.address4, addresses.address6);
  return { ...addresses, uplink: MACHINE_UPLINK };
}
