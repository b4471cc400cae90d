// SPDX-License-Identifier: AGPL-3.0-or-later
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { GatewayPlan } from '../contracts/plan/plan.ts';
import type { Namespace } from '../host/namespaces/namespace.os.ts';
import { compileFilter } from '../host/processes/filter.os.ts';
import { startControl } from './control.os.ts';
import { withDaemons } from './daemons.os.ts';
import { type SupervisedDatabase, startDatabase } from './database.os.ts';
import type { RunningGateway } from './gateway.os.ts';
import { type HostedGateway, withMachine } from './hosted.os.ts';
import { openIdentity, type ServiceIdentity } from './identity.os.ts';
import { type ImageRelease, openRelease } from './image-release.os.ts';
import { dumpNoCores, kernelCanServe, lockDirectory, needRoot, portIsFree } from './machine.os.ts';
import type { ServiceDeps, ServiceOptions, ServiceSeams } from './options.ts';
import { assertPublishable } from './serving.os.ts';
import { openSite } from './site.os.ts';
import type { Supervised } from './supervisor.ts';
import { systemUsers, type Users } from './users.os.ts';

/** The whole service, running. */
export interface Service {
  /** `http://127.0.0.1:8080` */
  readonly portal: string;
  readonly database: SupervisedDatabase;
  readonly control: Supervised;
  readonly identity: ServiceIdentity;
  readonly gateway: ServiceGateway | undefined;
  stop(): Promise<void>;
}

export interface ServiceGateway {
  readonly plan: GatewayPlan;
  /** Where it runs; of a virtual machine, the namespace around it. */
  readonly namespace: Namespace;
  /** Its programs, where they are programs of this machine. */
  readonly running: RunningGateway | undefined;
  readonly machine: HostedGateway | undefined;
  /** PEM: what it shows to clients, where it is made here. */
  readonly certificate: string | undefined;
}

/** Starts everything in order; when a step fails, what had been started is taken back, the last first. */
export async function startService(
  options: ServiceOptions,
  deps: ServiceDeps,
  seams: ServiceSeams = {},
): Promise<Service> {
  await using opened = new AsyncDisposableStack();
  const assembled = assemble({ options, deps, seams }, opened);
  const service = await Promise.race([assembled, ...(deps.givenUp === undefined ? [] : [deps.givenUp])]);
  const kept = opened.move();
  return { ...service, stop: () => kept.disposeAsync() };
}

interface Asked {
  readonly options: ServiceOptions;
  readonly deps: ServiceDeps;
  readonly seams: ServiceSeams;
}

async function assemble(asked: Asked, opened: AsyncDisposableStack): Promise<Omit<Service, 'stop'>> {
  const { options, deps, seams } = asked;
  const { progress } = deps;
  const { gateway } = options;
  const keys = join(options.directory, 'keys');
  const { users, release, filter } = await progress.stage('Looking at this machine', () =>
    prepareMachine(options, opened),
  );
  await deps.claimed?.();
  const identity = await progress.stage("Opening the service's keys", () => openIdentity(keys, options.name, deps));
  const site =
    gateway === undefined || users === undefined
      ? undefined
      : await progress.stage('Making room for the gateway', () =>
          openSite({ gateway, keys, seams, users }, deps, opened),
        );
  const database = await progress.stage('Starting the database', () =>
    startDatabase({ directory: options.directory, users, filter }, deps),
  );
  opened.defer(() => database.program.stop());
  const parts = { ...asked, identity, keys, database, users, filter, site };
  if (site === undefined || gateway === undefined || users === undefined || filter === undefined) {
    const { control, portal } = await progress.stage('Starting control', () => startControl(parts));
    opened.defer(() => control.stop());
    return { portal, database, control, identity, gateway: undefined };
  }
  const whole = { ...parts, gateway, site, users, filter };
  const { portal, control, ...runs } = await (release === undefined
    ? withDaemons(whole, opened)
    : withMachine({ ...whole, release }, opened));
  const { plan, namespace } = site;
  return {
    portal,
    database,
    control,
    identity,
    gateway: { plan, namespace, running: undefined, machine: undefined, certificate: undefined, ...runs },
  };
}

interface Prepared {
  /** Undefined: we are not root and serve alone. */
  readonly users: Users | undefined;
  /** What the gateway's machine will boot, if it is one. */
  readonly release: ImageRelease | undefined;
  readonly filter: string | undefined;
}

/** Refuses early, with one sentence, whatever would fail later; then the data directory is ours. */
async function prepareMachine(options: ServiceOptions, opened: AsyncDisposableStack): Promise<Prepared> {
  const root = process.getuid?.() === 0;
  if (options.gateway !== undefined) needRoot(process.getuid?.());
  const image = options.gateway?.image;
  const release = image === undefined ? undefined : openRelease(image);
  await portIsFree(options.listen);
  if (options.gateway !== undefined) await assertPublishable(options.gateway);
  await dumpNoCores();
  mkdirSync(options.directory, { recursive: true });
  opened.defer(lockDirectory(options.directory));
  chmodSync(options.directory, 0o711);
  if (options.gateway !== undefined) await kernelCanServe();
  return {
    users: root ? await systemUsers() : undefined,
    release,
    filter: options.gateway === undefined ? undefined : await compileFilter(options.directory),
  };
}
