// SPDX-License-Identifier: AGPL-3.0-or-later
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BundleParameters } from '../contracts/activation/bundle.ts';
import type { Operator } from '../contracts/activation/operator.ts';
import { cableMachine, SERVICE_ADDRESS } from '../host/machines/cabling.os.ts';
import { ACTIVATOR_PORT, type ActivatorDeps, ServiceActivator } from './activator.os.ts';
import { FLEET_PORT, type ShownKeys, startControl } from './control.os.ts';
import { authorityKey, type Identity, openIdentity, signingPublicKey } from './identity.os.ts';
import { type ImageGateway, openTpmOf, startImageGateway } from './image-gateway.os.ts';
import { assertAsks, believed, type ImageRelease } from './image-release.os.ts';
import { CannotStart } from './machine.os.ts';
import type { GatewayServiceParts, Service, ServiceOptions, Undo } from './service.os.ts';
import type { Supervised } from './supervisor.ts';
import { systemUsers, type Users } from './users.os.ts';

/** A gateway's image in a virtual machine, as part of a service. */
export interface HostedGateway {
  readonly activator: Supervised;
  readonly image: ImageGateway;
  /** Powers the machine off and on, and tells control the keys of the new boot. */
  restart(): Promise<void>;
}

interface MachineServiceParts extends GatewayServiceParts {
  readonly release: ImageRelease;
}

/**
 * The service with its gateway in a virtual machine. The machine is activated before control starts, because control
 * tells customers the WireGuard key that the machine made in this boot.
 */
export async function withMachine(parts: MachineServiceParts, undo: Undo[]): Promise<Omit<Service, 'stop'>> {
  const { options, deps, gateway, place, database, identity, keys, users, release } = parts;
  const { progress, clock } = deps;
  const listen = place.cables.controlAddress;
  const activator = activatorOf({ directory: options.directory, keys, identity, listen, users }, deps);
  const directory = join(options.directory, 'machine');
  const program = await progress.stage('Starting the activator', async () => {
    assertAsks(release, await activator.operator(), activator.operatorFile);
    const { factory } = await openTpmOf(directory);
    activator.believe(factory, believed(release, clock));
    const program = await activator.start();
    undo.push(() => program.stop());
    return program;
  });
  const image = await startImageGateway({
    release,
    directory,
    hull: place.namespace,
    cabling: await cableMachine(place.namespace, {
      uplink: { address4: place.plan.address4, ...place.uplink },
      service: { address4: place.cables.controlAddress, ports: [FLEET_PORT, ACTIVATOR_PORT] },
    }),
    activator,
    parameters: parametersOf(parts),
    hardware: gateway.hardware ?? {},
    random: deps.random,
    progress,
  });
  undo.push(() => image.stop());
  const { control, portal, show } = await progress.stage('Starting control', () =>
    startControl({ ...parts, shown: shownBy(image) }),
  );
  undo.push(() => control.stop());
  await progress.stage("The gateway's daemons start, its agent finds control", () => image.serves());
  const machine: HostedGateway = {
    activator: program,
    image,
    async restart() {
      await image.restart();
      show(shownBy(image));
    },
  };
  const { plan, namespace } = place;
  return { portal, database, control, identity, gateway: { plan, namespace, running: undefined, machine } };
}

interface ActivatorPlace {
  /** Of the service's data. */
  readonly directory: string;
  readonly keys: string;
  readonly identity: Identity;
  readonly listen: string;
  readonly users: Users;
}

function activatorOf({ directory, keys, identity, listen, users }: ActivatorPlace, deps: ActivatorDeps) {
  const issuer = { certificate: identity.caCertificate, key: authorityKey(keys).key };
  return new ServiceActivator({ directory: join(directory, 'activator'), listen, issuer, user: users.activator }, deps);
}

function shownBy({ tokenHash, boot }: ImageGateway): ShownKeys {
  return { tokenHash, wireguardKey: boot.wireguard.toBase64() };
}

function parametersOf({ place, identity, gateway }: GatewayServiceParts): Omit<BundleParameters, 'token'> {
  const { address6, ...plan } = place.plan;
  if (address6 !== undefined) throw new CannotStart('The image does not know yet how to get an IPv6 address.');
  const key = signingPublicKey(identity);
  return {
    plan,
    controlUrl: `https://${SERVICE_ADDRESS}:${FLEET_PORT}`,
    controlAuthority: identity.caCertificate,
    tlsCryptKey: identity.tlsCryptKey,
    authfileKey: key,
    expectedKey: key,
    ...(gateway.intervals === undefined ? {} : { intervals: gateway.intervals }),
  };
}

/** What an image has to be built with so that it asks the activator of the service in this data directory. */
export async function serviceOperator(
  options: Pick<ServiceOptions, 'directory' | 'name'>,
  deps: ActivatorDeps,
): Promise<{ readonly operator: Operator; readonly file: string }> {
  mkdirSync(options.directory, { recursive: true });
  chmodSync(options.directory, 0o711);
  const keys = join(options.directory, 'keys');
  const identity = await openIdentity(keys, options.name, deps);
  // Nobody listens for this; the address of the place is known only once there is one.
  const activator = activatorOf({ ...options, keys, identity, listen: '127.0.0.1', users: await systemUsers() }, deps);
  return { operator: await activator.operator(), file: activator.operatorFile };
}
