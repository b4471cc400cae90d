// SPDX-License-Identifier: AGPL-3.0-or-later
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { type GatewayPlan, OPENVPN_TCP_BESIDE_WEB, planTunnels } from '../contracts/plan/plan.ts';
import { outerPorts } from '../contracts/plan/protocols.ts';
import { TimedOut, waitUntil } from '../core/clock/until.ts';
import type { Namespace } from '../host/namespaces/namespace.os.ts';
import { CannotStart } from './machine.os.ts';
import type { GatewayOptions } from './options.ts';
import type { Supervised } from './supervisor.ts';

/** `udp 1194`: how a port is compared and told. */
type Port = `${'udp' | 'tcp'} ${number}`;

function portsOf(plan: Pick<GatewayPlan, 'tunnels'>): Port[] {
  const { udp, tcp } = outerPorts(plan);
  return [...udp.map((port): Port => `udp ${port}`), ...tcp.map((port): Port => `tcp ${port}`)];
}

/** States of a socket in /proc/net (include/net/tcp_states.h): TCP_LISTEN, and TCP_CLOSE for UDP that has no peer. */
const LISTENS = { tcp: '0A', udp: '07' } as const;

/** The ports on which somebody listens, from the text of `/proc/net/udp` and its like. */
export function portsIn(table: string, protocol: 'udp' | 'tcp'): Port[] {
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state]) => state === LISTENS[protocol])
    .map(([, local = '']): Port => `${protocol} ${Number.parseInt(local.split(':')[1] ?? '', 16)}`);
}

function openPorts({ pid }: Pick<Namespace, 'pid'>): Set<Port> {
  const protocols = ['udp', 'tcp'] as const;
  const found = protocols.flatMap((protocol) =>
    ['', '6'].flatMap((version) => portsIn(readFileSync(`/proc/${pid}/net/${protocol}${version}`, 'utf8'), protocol)),
  );
  return new Set(found);
}

/** Milliseconds. Daemons that are started take less than one second, on a busy machine too. */
const PATIENCE = 60_000;

/**
 * Waits until customers can knock at every port of the plan. Throws a CannotStart when a program of the gateway has ended
 * meanwhile, or a port stays shut: a daemon that runs may have found nothing to listen on.
 */
export async function untilServes(
  namespace: Pick<Namespace, 'pid'>,
  plan: GatewayPlan,
  programs: readonly Supervised[],
  patience = PATIENCE,
): Promise<void> {
  const first = programs.map(({ child }) => child);
  let shut: Port[] = [];
  const serves = (): boolean => {
    const lost = programs.find(({ child }, index) => child !== first[index] || !child.running);
    if (lost !== undefined) throw new CannotStart(`The gateway's ${lost.name} ended as soon as it was started.`);
    const open = openPorts(namespace);
    shut = portsOf(plan).filter((port) => !open.has(port));
    return shut.length === 0;
  };
  await waitUntil('the gateway serves', serves, patience).catch((error: unknown) => {
    throw error instanceof TimedOut ? new CannotStart(`The gateway does not serve ${shut.join(', ')}.`) : error;
  });
}

/** Where OpenVPN over TCP is, when 443/tcp is not its. */
export function openvpnTcpPort({ keep443 }: Pick<GatewayOptions, 'keep443'>): number | undefined {
  return keep443 === true ? OPENVPN_TCP_BESIDE_WEB : undefined;
}

/** Refuses a public address of which another program has ports that the gateway would take. */
export async function assertPublishable(gateway: Pick<GatewayOptions, 'publicAddress' | 'keep443'>): Promise<void> {
  const { publicAddress } = gateway;
  if (publicAddress !== undefined) {
    await assertPortsFree(publicAddress, { tunnels: planTunnels(openvpnTcpPort(gateway)) });
  }
}

/**
 * Refuses ports of the public address that a program of this machine has: the gateway would get everything that the world
 * sends there. Each is taken for a moment to see.
 */
export async function assertPortsFree(address: string, plan: Pick<GatewayPlan, 'tunnels'>): Promise<void> {
  for (const port of portsOf(plan)) {
    if (await isFree(address, port)) continue;
    const [protocol, number] = port.split(' ');
    const other = port === 'tcp 443' ? ' With --keep-443 it stays with that program.' : '';
    throw new CannotStart(
      `Port ${number}/${protocol} of ${address} is taken by another program, which the gateway would cut off.${other}`,
    );
  }
}

async function isFree(address: string, port: Port): Promise<boolean> {
  const number = Number(port.split(' ')[1]);
  const taken = Promise.withResolvers<boolean>();
  const settle = (error: NodeJS.ErrnoException) =>
    error.code === 'EADDRINUSE' ? taken.resolve(false) : taken.reject(error);
  if (port.startsWith('tcp')) {
    const server = createServer().once('error', settle);
    server.listen(number, address, () => server.close(() => taken.resolve(true)));
  } else {
    const socket = createSocket('udp4').once('error', settle);
    socket.bind({ address, port: number, exclusive: true }, () => socket.close(() => taken.resolve(true)));
  }
  return await taken.promise;
}
