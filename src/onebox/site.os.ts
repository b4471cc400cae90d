// SPDX-License-Identifier: AGPL-3.0-or-later
import { type GatewayPlan, IMAGE_USERS, planGateway } from '../contracts/plan/plan.ts';
import { SERVICE_ADDRESS, type Uplink } from '../host/machines/cabling.os.ts';
import { type Namespace, openNamespace } from '../host/namespaces/namespace.os.ts';
import { ACTIVATOR_PORT, type Cables, FLEET_PORT, kernelCarriesEsp, layCables } from './cables.os.ts';
import { type FleetTls, issueFleetTls } from './identity.os.ts';
import type { GatewayOptions, ServiceDeps, ServiceSeams } from './options.ts';
import { raiseMachineRules, sweepMachineRules } from './publish.os.ts';
import type { Publication } from './publish.ts';
import { openvpnTcpPort } from './serving.os.ts';
import type { Users } from './users.os.ts';

/** Where a gateway will run: a namespace with its cables, and the plan that follows from its addresses. */
export interface GatewaySite {
  readonly namespace: Namespace;
  readonly cables: Cables;
  readonly uplink: Omit<Uplink, 'address4'>;
  readonly plan: GatewayPlan;
  readonly tls: FleetTls;
}

export interface SiteParts {
  readonly gateway: GatewayOptions;
  /** Directory of the service's keys. */
  readonly keys: string;
  readonly seams: ServiceSeams;
  readonly users: Users;
}

/** Makes the place and, where the operator says so, publishes it to the world. What is opened is added to `opened`. */
export async function openSite(
  { gateway, keys, seams, users }: SiteParts,
  deps: Pick<ServiceDeps, 'clock' | 'random'>,
  opened: AsyncDisposableStack,
): Promise<GatewaySite> {
  const namespace = opened.adopt(await openNamespace(), (it) => it.close());
  await sweepMachineRules();
  const cables = await layCables(namespace, seams.attach === undefined);
  const outer = await seams.attach?.(namespace);
  const plan = planGateway({
    gateway: gateway.gateway,
    location: gateway.location.id,
    name: gateway.name,
    address4: outer?.address4 ?? gateway.publicAddress ?? cables.gatewayAddress,
    listen4: outer?.address4 ?? cables.gatewayAddress,
    openvpnTcpPort: openvpnTcpPort(gateway),
    // The image gets its addresses by DHCP, which gives none of this kind.
    address6: gateway.image === undefined ? outer?.address6 : undefined,
    ...(gateway.image === undefined ? await runsHere(namespace, users) : RUNS_IN_IMAGE),
    ...(gateway.forwarders === undefined ? {} : { forwarders: gateway.forwarders }),
  });
  const tls = await issueFleetTls(keys, [cables.controlAddress, SERVICE_ADDRESS], deps);
  const lower = await raiseMachineRules({
    cables,
    controlPorts: seams.relay === undefined ? [FLEET_PORT, ACTIVATOR_PORT] : 'any',
    forwarders: plan.forwarders === 'root' ? [] : plan.forwarders,
    publication: publicationOf(gateway, plan),
  });
  opened.defer(lower);
  return { namespace, cables, uplink: outer?.uplink ?? cables.uplink, plan, tls };
}

function publicationOf({ publicAddress, keep443 }: GatewayOptions, plan: GatewayPlan): Publication | undefined {
  return publicAddress === undefined ? undefined : { publicAddress, plan, web: keep443 === true };
}

/** What the gateway's machine calls its uplink, who carries ESP there, and as whom its programs run. */
type Runs = Pick<GatewayPlan, 'uplink' | 'esp' | 'users'>;

const RUNS_IN_IMAGE: Runs = { uplink: 'eth0', esp: 'kernel', users: IMAGE_USERS };

async function runsHere(namespace: Namespace, { agent, resolver, openvpn, charon }: Users): Promise<Runs> {
  return {
    uplink: 'uplink',
    esp: (await kernelCarriesEsp(namespace)) ? 'kernel' : 'libipsec',
    users: { agent: agent.uid, resolver: resolver.uid, openvpn: openvpn.uid, charon: charon.uid },
  };
}
