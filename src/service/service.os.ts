// SPDX-License-Identifier: AGPL-3.0-or-later
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../clock/clock.ts';
import { type Postgres, startPostgres } from '../database/postgres.os.ts';
import type { GatewayConfigFile } from '../gateway/config.ts';
import { prepareGeoip } from '../geoip/prepare.os.ts';
import type { Journal } from '../journal/journal.ts';
import { type Namespace, openNamespace } from '../namespaces/namespace.os.ts';
import type { Random } from '../random/random.ts';
import { compileWipe } from '../residue/wipe.os.ts';
import type { Progress } from '../terminal/terminal.ts';
import { type GatewayPlan, planGateway } from '../tunnels/plan.ts';
import { type Cables, kernelCarriesEsp, layCables } from './cables.os.ts';
import { startControl } from './control.os.ts';
import { type RunningGateway, startGateway } from './gateway.os.ts';
import {
  type FleetTls,
  type GatewayIdentity,
  type Identity,
  issueFleetTls,
  openGatewayIdentity,
  openIdentity,
  signingPublicKey,
} from './identity.os.ts';
import { type Address, kernelCanServe, lockDirectory, needRoot, portIsFree } from './machine.os.ts';
import { publish } from './publish.os.ts';
import { type Supervised, supervise } from './supervisor.ts';
import { systemUsers, type Users } from './users.os.ts';

export interface ServiceOptions {
  /** Where the database and the service's keys live. */
  readonly directory: string;
  /** Where portal and API listen. */
  readonly listen: Address;
  /** The operator's name for the service. */
  readonly name: string;
  /** Undefined: portal and API alone. */
  readonly gateway: GatewayOptions | undefined;
}

export interface GatewayOptions {
  readonly gateway: string;
  readonly location: { readonly id: string; readonly name: string; readonly country: string };
  /** DNS name in the gateway's certificate. */
  readonly name: string;
  /** This machine's address for the world. Without it, the gateway can be reached from this machine only. */
  readonly publicAddress?: string;
  /** Cables the gateway to somewhere else than this machine, as `uplink`, and says under which addresses. */
  readonly attach?: (namespace: Namespace) => Promise<{ readonly address4: string; readonly address6: string }>;
  readonly forwarders?: GatewayPlan['forwarders'];
  readonly intervals?: GatewayConfigFile['intervals'];
  /** Stands between the gateway and control; gets control's URL and gives its own. */
  readonly relay?: (control: string, tls: FleetTls, address: string) => Promise<string>;
}

export interface ServiceDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: Journal;
  readonly progress: Progress;
  readonly release: string;
  /** Rejects when the start is to be given up. */
  readonly givenUp?: Promise<never>;
}

export interface Database {
  readonly program: Supervised;
  /** Directory of its Unix socket. */
  readonly socket: string;
}

/** The whole service, running. */
export interface Service {
  /** `http://127.0.0.1:8080` */
  readonly portal: string;
  readonly database: Database;
  readonly control: Supervised;
  readonly identity: Identity;
  readonly gateway:
    | { readonly plan: GatewayPlan; readonly namespace: Namespace; readonly running: RunningGateway }
    | undefined;
  stop(): Promise<void>;
}

type Undo = () => Promise<unknown>;

/** Starts everything in order; when a step fails, what had been started is taken back. */
export async function startService(options: ServiceOptions, deps: ServiceDeps): Promise<Service> {
  const undo: Undo[] = [];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    const assembled = assemble(options, deps, undo);
    return { ...(await Promise.race([assembled, ...(deps.givenUp === undefined ? [] : [deps.givenUp])])), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function assemble(options: ServiceOptions, deps: ServiceDeps, undo: Undo[]): Promise<Omit<Service, 'stop'>> {
  const { progress } = deps;
  const { gateway } = options;
  const users = await progress.stage('Looking at this machine', () => lookAtMachine(options, undo));
  const identity = await progress.stage("Opening the service's keys", () =>
    openIdentity(keysOf(options), options.name, deps),
  );
  const place =
    gateway === undefined
      ? undefined
      : await progress.stage('Making room for the gateway', () => makePlace(options, gateway, identity, deps, undo));
  const database = await progress.stage('Starting the database', () => startDatabase(options, deps, users, undo));
  const { control, portal, fleet } = await progress.stage('Starting control', () =>
    startControl({ options, deps, users, identity, database, place }),
  );
  undo.push(() => control.stop());
  const common = { portal, database, control, identity };
  if (place === undefined || gateway === undefined || users === undefined) return { ...common, gateway: undefined };
  const running = await progress.stage("Starting the gateway's daemons and agent", () =>
    startDaemons({ gateway, place, users, identity, fleet, directory: options.directory }, deps, undo),
  );
  return { ...common, gateway: { plan: place.plan, namespace: place.namespace, running } };
}

function keysOf(options: ServiceOptions): string {
  return join(options.directory, 'keys');
}

/** Refuses early, with one sentence, whatever would fail later. Undefined users: we are not root and serve alone. */
async function lookAtMachine(options: ServiceOptions, undo: Undo[]): Promise<Users | undefined> {
  const root = process.getuid?.() === 0;
  if (options.gateway !== undefined) needRoot(process.getuid?.());
  await portIsFree(options.listen);
  mkdirSync(options.directory, { recursive: true });
  undo.push(await lockDirectory(options.directory));
  chmodSync(options.directory, 0o711);
  if (options.gateway !== undefined) await kernelCanServe();
  return root ? await systemUsers() : undefined;
}

/** A gateway's namespace with its cables, plan and keys. */
export interface Place {
  readonly namespace: Namespace;
  readonly cables: Cables;
  readonly plan: GatewayPlan;
  readonly identity: GatewayIdentity;
  readonly tls: FleetTls;
}

async function makePlace(
  options: ServiceOptions,
  gateway: GatewayOptions,
  identity: Identity,
  deps: ServiceDeps,
  undo: Undo[],
): Promise<Place> {
  const namespace = await openNamespace();
  undo.push(() => namespace.close());
  const cables = await layCables(namespace, gateway.attach === undefined);
  const outer = await gateway.attach?.(namespace);
  const plan = planGateway({
    gateway: gateway.gateway,
    location: gateway.location.id,
    name: gateway.name,
    address4: outer?.address4 ?? gateway.publicAddress ?? cables.gatewayAddress,
    address6: outer?.address6,
    uplink: 'uplink',
    esp: (await kernelCarriesEsp(namespace)) ? 'kernel' : 'libipsec',
    ...(gateway.forwarders === undefined ? {} : { forwarders: gateway.forwarders }),
  });
  if (gateway.publicAddress !== undefined) {
    undo.push(await publish({ publicAddress: gateway.publicAddress, gatewayAddress: cables.gatewayAddress, plan }));
  }
  return {
    namespace,
    cables,
    plan,
    identity: await openGatewayIdentity(keysOf(options), identity, plan, deps),
    tls: await issueFleetTls(keysOf(options), identity, cables.controlAddress, deps),
  };
}

async function startDatabase(
  { directory }: ServiceOptions,
  deps: ServiceDeps,
  users: Users | undefined,
  undo: Undo[],
): Promise<Database> {
  const roles = users === undefined ? {} : { user: users.database, clients: [users.control.uid] };
  let postgres: Postgres | undefined;
  const program = await supervise({
    name: 'database',
    journal: deps.journal,
    clock: deps.clock,
    start: async () => {
      postgres = await startPostgres({ directory: join(directory, 'postgres'), ...roles });
      return postgres.child;
    },
    end: () => postgres?.stop(),
  });
  undo.push(() => program.stop());
  return { program, socket: postgres?.socket ?? '' };
}

interface DaemonParts {
  readonly gateway: GatewayOptions;
  readonly place: Place;
  readonly users: Users;
  readonly identity: Identity;
  readonly fleet: string;
  readonly directory: string;
}

async function startDaemons(parts: DaemonParts, deps: ServiceDeps, undo: Undo[]): Promise<RunningGateway> {
  const { gateway, place, users, identity, fleet, directory } = parts;
  const key = signingPublicKey(identity);
  const running = await startGateway({
    ...deps,
    ...place,
    users,
    caCertificate: identity.caCertificate,
    wipe: await compileWipe(directory),
    agent: {
      controlUrl: (await gateway.relay?.(fleet, place.tls, place.cables.controlAddress)) ?? fleet,
      authfileKey: key,
      expectedKey: key,
      geoip: prepareGeoip(join(directory, 'geoip')),
      release: deps.release,
      ...(gateway.intervals === undefined ? {} : { intervals: gateway.intervals }),
    },
  });
  undo.push(() => running.stop());
  return running;
}
