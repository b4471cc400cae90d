// SPDX-License-Identifier: AGPL-3.0-or-later
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BundleParameters } from '../contracts/activation/bundle.ts';
import type { Operator } from '../contracts/activation/operator.ts';
import type { Clock } from '../core/clock/clock.ts';
import { cableMachine, SERVICE_ADDRESS } from '../host/machines/cabling.os.ts';
import { type ActivatorDeps, ServiceActivator } from './activator.os.ts';
import { ACTIVATOR_PORT, FLEET_PORT } from './cables.os.ts';
import { type GatewayPublicKeys, startControl } from './control.os.ts';
import { authorityKey, openIdentity, type ServiceIdentity, signingPublicKey } from './identity.os.ts';
import { type ImageGateway, openTpmOf, startImageGateway } from './image-gateway.os.ts';
import { assertAsks, believed, type ImageRelease } from './image-release.os.ts';
import { CannotStart } from './machine.os.ts';
import type { ServiceOptions } from './options.ts';
import type { GatewayServiceParts } from './parts.ts';
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

/** Control, and the gateway in its machine. */
export interface MachineService {
  readonly control: Supervised;
  readonly portal: string;
  readonly machine: HostedGateway;
}

/**
 * The service with its gateway in a virtual machine. The machine is activated before control starts, because control
 * tells customers the WireGuard key that the machine made in this boot. What is started is added to `opened`.
 */
export async function withMachine(parts: MachineServiceParts, opened: AsyncDisposableStack): Promise<MachineService> {
  const { options, deps, seams, site, identity, keys, users, filter, release } = parts;
  const { progress } = deps;
  const listen = site.cables.controlAddress;
  const activator = activatorOf({ directory: options.directory, keys, identity, listen, users, filter }, deps);
  const directory = join(options.directory, 'machine');
  const program = await progress.stage('Starting the activator', () =>
    startActivator(activator, directory, release, deps.clock),
  );
  opened.defer(() => program.stop());
  const image = await startImageGateway({
    release,
    directory,
    vmNamespace: site.namespace,
    cabling: await cableMachine(site.namespace, {
      uplink: { address4: site.plan.listen4, ...site.uplink },
      service: { address4: site.cables.controlAddress, ports: [FLEET_PORT, ACTIVATOR_PORT] },
    }),
    activator,
    parameters: parametersOf(parts),
    hardware: seams.hardware ?? {},
    random: deps.random,
    progress,
  });
  opened.defer(() => image.stop());
  const { control, portal, restartWith } = await progress.stage('Starting control', () =>
    startControl(parts, publicKeysOf(image)),
  );
  opened.defer(() => control.stop());
  await progress.stage("The gateway's daemons start, its agent finds control", () => image.serves());
  const machine: HostedGateway = {
    activator: program,
    image,
    async restart() {
      await image.restart();
      restartWith(publicKeysOf(image));
    },
  };
  return { control, portal, machine };
}

/** Starts it once the image is known to ask it, and its policy accepts the machine's TPM and the release. */
async function startActivator(
  activator: ServiceActivator,
  directory: string,
  release: ImageRelease,
  clock: Clock,
): Promise<Supervised> {
  assertAsks(release, await activator.operator(), activator.operatorFile);
  const { factory } = await openTpmOf(directory);
  activator.believe(factory, believed(release, clock));
  return await activator.start();
}

interface ServiceActivatorParts {
  /** Of the service's data. */
  readonly directory: string;
  readonly keys: string;
  readonly identity: ServiceIdentity;
  readonly listen: string;
  readonly users: Users;
  readonly filter: string | undefined;
}

function activatorOf(
  { directory, keys, identity, listen, users, filter }: ServiceActivatorParts,
  deps: ActivatorDeps,
): ServiceActivator {
  const issuer = { certificate: identity.caCertificate, key: authorityKey(keys).key };
  const parts = { directory: join(directory, 'activator'), listen, issuer, user: users.activator, filter };
  return new ServiceActivator(parts, deps);
}

function publicKeysOf({ tokenHash, boot }: ImageGateway): GatewayPublicKeys {
  return { tokenHash, wireguardKey: boot.wireguard };
}

function parametersOf({ site, identity, gateway }: GatewayServiceParts): Omit<BundleParameters, 'token'> {
  const { address6, ...plan } = site.plan;
  if (address6 !== undefined) throw new CannotStart('The image does not know yet how to get an IPv6 address.');
  const key = signingPublicKey(identity);
  return {
    plan,
    controlUrl: `https://${SERVICE_ADDRESS}:${FLEET_PORT}`,
    controlAuthority: site.tls.authority,
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
  // No socket is opened here; its address is known only once there is a site for the gateway.
  const users = await systemUsers();
  const activator = activatorOf({ ...options, keys, identity, listen: '127.0.0.1', users, filter: undefined }, deps);
  return { operator: await activator.operator(), file: activator.operatorFile };
}
