// SPDX-License-Identifier: AGPL-3.0-or-later
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../bytes/formats/fingerprint.ts';
import type { GatewayConfigFile } from '../contracts/plan/agent-config.ts';
import { type GatewayPlan, planGateway } from '../contracts/plan/plan.ts';
import { type Postgres, startPostgres } from '../control/database/postgres.os.ts';
import type { Clock } from '../core/clock/clock.ts';
import type { Journal } from '../core/journal/journal.ts';
import type { Random } from '../core/random/random.ts';
import { prepareGeoip } from '../gateway/geoip/prepare.os.ts';
import { compileWipe } from '../gateway/residue/wipe.os.ts';
import { SERVICE_ADDRESS, type Uplink } from '../host/machines/cabling.os.ts';
import { type Namespace, openNamespace } from '../host/namespaces/namespace.os.ts';
import type { Progress } from '../host/terminal/terminal.ts';
import { type Cables, kernelCarriesEsp, layCables } from './cables.os.ts';
import { startControl } from './control.os.ts';
import { type RunningGateway, startGateway } from './gateway.os.ts';
import { type HostedGateway, withMachine } from './hosted.os.ts';
import {
  type FleetTls,
  type GatewayIdentity,
  type Identity,
  issueFleetTls,
  openGatewayIdentity,
  openIdentity,
  signingPublicKey,
} from './identity.os.ts';
import type { Hardware } from './image-gateway.os.ts';
import { type ImageRelease, openRelease } from './image-release.os.ts';
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
  readonly attach?: (namespace: Namespace) => Promise<Attachment>;
  /** Directory of a signed release of the gateway image, which then runs in a virtual machine. */
  readonly image?: string;
  /** Of that machine. */
  readonly hardware?: Hardware;
  readonly forwarders?: GatewayPlan['forwarders'];
  readonly intervals?: GatewayConfigFile['intervals'];
  /** Stands between the gateway and control; gets control's URL and gives its own. */
  readonly relay?: (control: string, tls: FleetTls, address: string) => Promise<string>;
}

export interface Attachment {
  readonly address4: string;
  readonly address6: string;
  /** For a virtual machine. */
  readonly uplink?: Omit<Uplink, 'address4'>;
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
  readonly gateway: ServiceGateway | undefined;
  stop(): Promise<void>;
}

export interface ServiceGateway {
  readonly plan: GatewayPlan;
  /** Where it runs; of a virtual machine, its hull. */
  readonly namespace: Namespace;
  /** Its programs, where they are programs of this machine. */
  readonly running: RunningGateway | undefined;
  readonly machine: HostedGateway | undefined;
}

export type Undo = () => Promise<unknown>;

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
  const { users, release } = await progress.stage('Looking at this machine', () => lookAtMachine(options, undo));
  const identity = await progress.stage("Opening the service's keys", () =>
    openIdentity(keysOf(options), options.name, deps),
  );
  const place =
    gateway === undefined
      ? undefined
      : await progress.stage('Making room for the gateway', () => makePlace(options, gateway, identity, deps, undo));
  const database = await progress.stage('Starting the database', () => startDatabase(options, deps, users, undo));
  const parts = { options, deps, users, identity, database, place };
  if (place === undefined || gateway === undefined || users === undefined) {
    const { control, portal } = await progress.stage('Starting control', () => startControl(parts));
    undo.push(() => control.stop());
    return { portal, database, control, identity, gateway: undefined };
  }
  const whole = { ...parts, gateway, place, users, keys: keysOf(options) };
  return await (release === undefined ? withDaemons(whole, undo) : withMachine({ ...whole, release }, undo));
}

/** What a service with a gateway is made of. */
export interface GatewayServiceParts {
  readonly options: ServiceOptions;
  readonly deps: ServiceDeps;
  readonly gateway: GatewayOptions;
  readonly users: Users;
  readonly identity: Identity;
  /** Directory of the service's keys. */
  readonly keys: string;
  readonly database: Database;
  readonly place: Place;
}

async function withDaemons(parts: GatewayServiceParts, undo: Undo[]): Promise<Omit<Service, 'stop'>> {
  const { options, deps, gateway, users, identity, database, place } = parts;
  const keys = await openGatewayIdentity(parts.keys, identity, place.plan, deps);
  const { control, portal, fleet } = await deps.progress.stage('Starting control', () =>
    startControl({ ...parts, shown: { tokenHash: sha256(keys.token).toHex(), wireguardKey: keys.wireguardPublicKey } }),
  );
  undo.push(() => control.stop());
  const running = await deps.progress.stage("Starting the gateway's daemons and agent", () =>
    startDaemons({ gateway, place, users, identity, keys, fleet, directory: options.directory }, deps, undo),
  );
  const { plan, namespace } = place;
  return { portal, database, control, identity, gateway: { plan, namespace, running, machine: undefined } };
}

function keysOf(options: ServiceOptions): string {
  return join(options.directory, 'keys');
}

interface Looked {
  /** Undefined: we are not root and serve alone. */
  readonly users: Users | undefined;
  /** What the gateway's machine will boot, if it is one. */
  readonly release: ImageRelease | undefined;
}

/** Refuses early, with one sentence, whatever would fail later. */
async function lookAtMachine(options: ServiceOptions, undo: Undo[]): Promise<Looked> {
  const root = process.getuid?.() === 0;
  if (options.gateway !== undefined) needRoot(process.getuid?.());
  const image = options.gateway?.image;
  const release = image === undefined ? undefined : openRelease(image);
  await portIsFree(options.listen);
  mkdirSync(options.directory, { recursive: true });
  undo.push(await lockDirectory(options.directory));
  chmodSync(options.directory, 0o711);
  if (options.gateway !== undefined) await kernelCanServe();
  return { users: root ? await systemUsers() : undefined, release };
}

/** A gateway's namespace with its cables and its plan. */
export interface Place {
  readonly namespace: Namespace;
  readonly cables: Cables;
  readonly uplink: Omit<Uplink, 'address4'>;
  readonly plan: GatewayPlan;
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
    // The image gets its addresses by DHCP, which gives none of this kind.
    address6: gateway.image === undefined ? outer?.address6 : undefined,
    ...(gateway.image === undefined ? await hereRuns(namespace) : IMAGE_RUNS),
    ...(gateway.forwarders === undefined ? {} : { forwarders: gateway.forwarders }),
  });
  if (gateway.publicAddress !== undefined) {
    undo.push(await publish({ publicAddress: gateway.publicAddress, gatewayAddress: cables.gatewayAddress, plan }));
  }
  return {
    namespace,
    cables,
    uplink: outer?.uplink ?? cables.uplink,
    plan,
    tls: await issueFleetTls(keysOf(options), identity, [cables.controlAddress, SERVICE_ADDRESS], deps),
  };
}

/** What the gateway's machine calls its uplink, and who carries ESP there. */
type Runs = Pick<GatewayPlan, 'uplink' | 'esp'>;

const IMAGE_RUNS: Runs = { uplink: 'eth0', esp: 'kernel' };

async function hereRuns(namespace: Namespace): Promise<Runs> {
  return { uplink: 'uplink', esp: (await kernelCarriesEsp(namespace)) ? 'kernel' : 'libipsec' };
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
  readonly keys: GatewayIdentity;
  readonly fleet: string;
  readonly directory: string;
}

async function startDaemons(parts: DaemonParts, deps: ServiceDeps, undo: Undo[]): Promise<RunningGateway> {
  const { gateway, place, users, identity, keys, fleet, directory } = parts;
  const key = signingPublicKey(identity);
  const running = await startGateway({
    ...deps,
    ...place,
    identity: keys,
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
