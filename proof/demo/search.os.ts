// SPDX-License-Identifier: AGPL-3.0-or-later
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { sql } from 'kysely';
import { connect } from '../../src/control/database/connect.os.ts';
import type { Random } from '../../src/core/random/random.ts';
import { childrenOf } from '../../src/host/processes/process.os.ts';
import { Hunt } from '../hunt/hunt.os.ts';
import { findLeaks } from '../hunt/leaks.os.ts';
import type { Relay } from '../hunt/relay.os.ts';
import type { Target } from '../hunt/search.os.ts';
import type { Allowance, Expectation, HuntReport } from '../hunt/verdict.ts';
import type { Scene } from './scene.os.ts';

/**
 * Where a marker may be, and why. A hunt that meets one anywhere else is red. The page after signing up shows the
 * number and the secrets once: until garbage is collected, control still has the page (`proof/hunt/shown.test.ts`).
 */
export const ALLOWED: readonly Allowance[] = [
  ...['account number', 'account number without dashes', 'VPN username', 'VPN password', 'IKEv2 password'].map(
    (marker) => ({
      place: 'control memory',
      marker,
      because:
        'control made it and showed it once; it lives in memory until it is collected, seconds after the last request',
    }),
  ),
  ...[
    'control memory',
    'database memory',
    'database workers memory',
    'database workers open files',
    'database open files',
    'database files',
    'gateway and control',
    'agent memory',
    'wireguard-go memory',
  ].map((place) => ({
    place,
    marker: 'WireGuard public key',
    because: 'declared as database.devices.public_key; the auth file carries it to gateways, whether or not it is used',
  })),
];

/** While a client is connected, its daemon must know it; a hunt that does not see that there is blind. */
export const EXPECTED: readonly Expectation[] = [
  { place: 'openvpn-udp memory', marker: 'openvpn source address' },
  { place: 'openvpn-udp memory', marker: 'VPN username' },
  { place: 'charon memory', marker: 'ikev2 source address' },
  { place: 'charon memory', marker: 'VPN username' },
  { place: 'wireguard-go memory', marker: 'wireguard source address' },
  { place: 'wireguard-go memory', marker: 'WireGuard public key' },
  { place: 'unbound memory', marker: 'openvpn DNS name' },
];

/** Every process of the service, every file it may write, all that it said, and what gateway and control exchanged. */
export function targetsOf(scene: Scene): Target[] {
  const { service, directory } = scene;
  const relay = relayOf(scene);
  const gateway = service.gateway;
  const programs = gateway?.running?.programs ?? [];
  return [
    ...programs.map(
      ({ name, child }): Target => ({
        kind: 'process',
        name,
        pid: child.pid,
        owner: name === 'agent' ? 'own' : 'daemon',
      }),
    ),
    { kind: 'process', name: 'control', pid: service.control.child.pid, owner: 'own' },
    ...childrenOf(service.database.program.child.pid).map(
      (pid): Target => ({ kind: 'process', name: 'database workers', pid, owner: 'own', transient: true }),
    ),
    { kind: 'process', name: 'database', pid: service.database.program.child.pid, owner: 'own' },
    { kind: 'tree', name: 'database files', path: join(directory, 'postgres', 'data') },
    { kind: 'tree', name: 'control files', path: join(directory, 'control') },
    { kind: 'tree', name: 'gateway /run', path: `/proc/${gateway?.namespace.pid}/root/run` },
    { kind: 'bytes', name: 'output of every program', bytes: Buffer.from(scene.said()) },
    { kind: 'bytes', name: 'gateway and control', bytes: relay.recorded() },
  ];
}

/** Makes leaks on purpose in the places that were searched, and sees whether the search finds them. */
export async function conclude(hunt: Hunt, scene: Scene, random: Random): Promise<HuntReport> {
  const { service, directory } = scene;
  const relay = relayOf(scene);
  const db = connect(service.database.socket);
  try {
    const controls = await findLeaks(
      {
        directory: `/proc/${service.gateway?.namespace.pid}/root/run`,
        database: {
          directory: join(directory, 'postgres', 'data'),
          sql: (statement) => sql.raw(statement).execute(db),
        },
        traffic: { recorded: () => relay.recorded(), say: (body) => sayThrough(scene, body) },
      },
      random,
    );
    return hunt.verdict({ expected: EXPECTED, allowed: ALLOWED, controls });
  } finally {
    await db.destroy();
  }
}

function relayOf({ relay }: Scene): Relay {
  if (relay === undefined) throw new RangeError('nobody listens to what a machine says');
  return relay;
}

/** Sends a body to control by the way that the gateway's messages take. Control refuses it; the relay has heard it. */
async function sayThrough(scene: Scene, body: string): Promise<void> {
  const { relayAddress, relayAuthority } = scene;
  const question = request({
    host: relayAddress,
    port: relayOf(scene).port,
    ca: relayAuthority,
    method: 'POST',
    path: '/fleet/v1/status',
    agent: false,
  });
  question.end(body);
  const [answer] = (await once(question, 'response')) as [IncomingMessage];
  answer.resume();
  await once(answer, 'end');
}
