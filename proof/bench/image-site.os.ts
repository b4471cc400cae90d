// SPDX-License-Identifier: AGPL-3.0-or-later
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BundleParameters } from '../../src/contracts/activation/bundle.ts';
import type { Operator } from '../../src/contracts/activation/operator.ts';
import { planGateway } from '../../src/contracts/plan/plan.ts';
import { writingJournal } from '../../src/core/journal/journal.ts';
import { cableMachine, SERVICE_ADDRESS } from '../../src/host/machines/cabling.os.ts';
import type { MachineOptions } from '../../src/host/machines/machine.os.ts';
import type { Namespace } from '../../src/host/namespaces/namespace.os.ts';
import { ServiceActivator } from '../../src/onebox/activator.os.ts';
import { ACTIVATOR_PORT, layCables } from '../../src/onebox/cables.os.ts';
import {
  authorityKey,
  GATEWAY_DOMAIN,
  issueFleetTls,
  openIdentity,
  type ServiceIdentity,
  signingPublicKey,
} from '../../src/onebox/identity.os.ts';
import { openTpmOf } from '../../src/onebox/image-gateway.os.ts';
import { systemUsers } from '../../src/onebox/users.os.ts';
import { FakeControl } from '../labs/control/fake-control.os.ts';
import { homeAddress, homeAddress6, openWorld, ROUTER4 } from '../labs/internet/world.os.ts';
import { TestNetwork } from '../labs/network/network.os.ts';
import type { BenchContext } from './bench.ts';
import { FeedingControl } from './image-control.os.ts';

const ADDRESS = '198.51.100.7';
/** What the machine sees of its way into the world. */
const UPLINK = { address4: ADDRESS, router4: ROUTER4, prefix: 24, namespace4: '198.51.100.250' } as const;
/** Milliseconds. Often, so that no step waits for long. */
const INTERVALS = { fetch: 2000, beats: 2000, sweep: 5000 } as const;

/** A place for one virtual machine: a world around it, an activator that may accept it, and a control that feeds it. */
export interface ImageSite {
  readonly directory: string;
  readonly identity: ServiceIdentity;
  /** PEM: the authority that signs the gateway's certificate, with its key. */
  readonly issuer: { readonly certificate: string; readonly key: string };
  readonly parameters: Omit<BundleParameters, 'token'>;
  /** Whom the image has to ask for its secrets. */
  readonly operator: Operator;
  readonly activator: ServiceActivator;
  readonly control: FeedingControl;
  /** Somewhere in the world, where clients run. */
  readonly clients: Namespace;
  /** Cards of the machine, and the namespace around it. */
  readonly cabling: Required<Pick<MachineOptions, 'cards' | 'vmNamespace'>>;
  /** State of the machine's TPM. */
  readonly tpm: string;
}

/** Everything in it lasts until `opened` is disposed of. */
export async function openSite(deps: BenchContext, opened: AsyncDisposableStack): Promise<ImageSite> {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-bench-'));
  opened.defer(() => rmSync(directory, { recursive: true, force: true }));
  // The activator runs as a user of its own.
  chmodSync(directory, 0o711);
  const keys = join(directory, 'keys');
  const identity = await openIdentity(keys, 'Benchmark', deps);
  const { vmNamespace, clients, controlAddress } = await openNetwork(deps, opened);
  const tls = await issueFleetTls(keys, [controlAddress, SERVICE_ADDRESS], deps);
  const control = await FakeControl.open(tls, 0, controlAddress);
  opened.defer(() => control.close());
  const service = { address4: controlAddress, ports: [control.port, ACTIVATOR_PORT] };
  const { cards } = await cableMachine(vmNamespace, { uplink: UPLINK, service });
  const issuer = { certificate: identity.caCertificate, key: authorityKey(keys).key };
  const activator = new ServiceActivator(
    {
      directory: join(directory, 'activator'),
      listen: controlAddress,
      issuer,
      user: (await systemUsers()).activator,
      filter: undefined,
    },
    { ...deps, journal: writingJournal(() => undefined) },
  );
  return {
    directory,
    identity,
    issuer,
    activator,
    clients,
    parameters: parametersOf(identity, tls.authority, control.port),
    operator: await activator.operator(),
    control: new FeedingControl(control),
    cabling: { cards, vmNamespace },
    tpm: (await openTpmOf(join(directory, 'machine'))).state,
  };
}

interface Network {
  readonly vmNamespace: Namespace;
  readonly clients: Namespace;
  /** Where the namespace around the machine reaches this process. */
  readonly controlAddress: string;
}

async function openNetwork({ random }: BenchContext, opened: AsyncDisposableStack): Promise<Network> {
  const world = opened.use(await openWorld());
  const vmNamespace = await opened.use(new TestNetwork()).machine();
  const { controlAddress } = await layCables(vmNamespace, false);
  await world.attach(vmNamespace, 'gw0', 'uplink', ADDRESS, homeAddress6(random));
  const clients = await world.machine('c0', homeAddress(random, 0), homeAddress6(random));
  return { vmNamespace, clients, controlAddress };
}

function parametersOf(
  identity: ServiceIdentity,
  controlAuthority: string,
  controlPort: number,
): ImageSite['parameters'] {
  const { address6: _, ...plan } = planGateway({
    gateway: 'bench-01',
    location: 'xx-bench',
    name: `bench-01.${GATEWAY_DOMAIN}`,
    address4: ADDRESS,
    address6: undefined,
    uplink: 'eth0',
    esp: 'kernel',
  });
  const key = signingPublicKey(identity);
  return {
    plan,
    controlUrl: `https://${SERVICE_ADDRESS}:${controlPort}`,
    controlAuthority,
    tlsCryptKey: identity.tlsCryptKey,
    authfileKey: key,
    expectedKey: key,
    intervals: INTERVALS,
  };
}
