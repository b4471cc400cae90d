// SPDX-License-Identifier: AGPL-3.0-or-later
import { join } from 'node:path';
import { sha256 } from '../bytes/formats/fingerprint.ts';
import { GATEWAY_FILES } from '../contracts/plan/plan.ts';
import { prepareGeoip } from '../gateway/geoip/prepare.os.ts';
import { compileWipe } from '../gateway/residue/wipe.os.ts';
import { compileFlows } from '../gateway/tunnels/firewall/start.os.ts';
import { startControl } from './control.os.ts';
import { type RunningGateway, startGateway } from './gateway.os.ts';
import { type GatewayIdentity, openGatewayIdentity, signingPublicKey } from './identity.os.ts';
import type { GatewayServiceParts } from './parts.ts';
import type { Supervised } from './supervisor.ts';

/** Control, and the gateway's programs as programs of this machine. */
export interface DaemonService {
  readonly control: Supervised;
  readonly portal: string;
  readonly running: RunningGateway;
  /** PEM: what the gateway shows to clients. */
  readonly certificate: string | undefined;
}

/** The service with its gateway in a namespace of this machine. What is started is added to `opened`. */
export async function withDaemons(parts: GatewayServiceParts, opened: AsyncDisposableStack): Promise<DaemonService> {
  const { deps, identity, site } = parts;
  const own = await openGatewayIdentity(parts.keys, identity, site.plan, deps);
  const keys = { tokenHash: sha256(own.token).toHex(), wireguardKey: own.wireguardPublicKey };
  const { control, portal, fleet } = await deps.progress.stage('Starting control', () => startControl(parts, keys));
  opened.defer(() => control.stop());
  const running = await deps.progress.stage("Starting the gateway's daemons and agent", () =>
    startDaemons(parts, own, fleet),
  );
  opened.defer(() => running.stop());
  const certificate = own.files.find(({ path }) => path === GATEWAY_FILES.serverCertificate)?.content;
  return { control, portal, running, certificate };
}

async function startDaemons(parts: GatewayServiceParts, own: GatewayIdentity, fleet: string): Promise<RunningGateway> {
  const { options, deps, seams, gateway, site, users, identity } = parts;
  const key = signingPublicKey(identity);
  return await startGateway({
    ...deps,
    namespace: site.namespace,
    plan: site.plan,
    identity: own,
    users,
    controlAuthority: site.tls.authority,
    wipe: await compileWipe(options.directory),
    filter: parts.filter,
    flows: await compileFlows(join(options.directory, 'lethe-flows')),
    agent: {
      controlUrl: (await seams.relay?.(fleet, site.tls, site.cables.controlAddress)) ?? fleet,
      authfileKey: key,
      expectedKey: key,
      geoip: prepareGeoip(join(options.directory, 'geoip')),
      release: deps.release,
      ...(gateway.intervals === undefined ? {} : { intervals: gateway.intervals }),
    },
  });
}
