// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { test } from 'node:test';
import { planGateway } from '../contracts/plan/plan.ts';
import { type Child, spawnChild } from '../host/processes/process.os.ts';
import { untilSays } from '../host/processes/ready.os.ts';
import { assertPortsFree, portsIn, untilServes } from './serving.os.ts';
import type { Supervised } from './supervisor.ts';

/** Loopback addresses of the test's own alone. */
const FREE = '127.77.0.1';

const base = planGateway({
  gateway: 'zrh-01',
  location: 'ch-zrh',
  name: 'zrh-01.example.net',
  address4: '198.18.0.1',
  address6: undefined,
  uplink: 'uplink',
});
const plan = {
  ...base,
  tunnels: {
    'openvpn-udp': { ...base.tunnels['openvpn-udp'], port: 41_194 },
    'openvpn-tcp': { ...base.tunnels['openvpn-tcp'], port: 41_443 },
    ikev2: { ...base.tunnels.ikev2, port: 40_500 },
    wireguard: { ...base.tunnels.wireguard, port: 41_820 },
  },
};

/** Programs that listen on the given ports of {@link FREE}. */
async function listener(udp: readonly number[], tcp: readonly number[]): Promise<Child> {
  const program = `for (const port of [${udp.join()}]) require('node:dgram').createSocket('udp4').bind(port, '${FREE}');
    const servers = [${tcp.join()}].map((port) => require('node:net').createServer().listen(port, '${FREE}'));
    setTimeout(() => console.log('listening'), 200); setInterval(() => servers, 1000);`;
  const child = spawnChild([process.execPath, '-e', program]);
  await untilSays(child, 'node', /listening/);
  return child;
}

const supervised = (child: Child): Supervised => ({ name: 'openvpn-udp', child, stop: async () => undefined });

test('the ports on which somebody listens are read from the tables of the kernel', () => {
  const header = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
  const tcp = `${header}   0: 00000000:01BB 00000000:0000 0A 0\n   1: 0A42000A:A000 5000CB71:0050 01 0\n`;
  const udp = `${header} 1: 0A42000A:04AA 00000000:0000 07 0\n 2: 00000000000000000000000000000000:11C9 0:0000 01 0\n`;
  assert.deepEqual(portsIn(tcp, 'tcp'), ['tcp 443']);
  assert.deepEqual(portsIn(udp, 'udp'), ['udp 1194']);
  assert.deepEqual(portsIn('', 'udp'), []);
});

test('a gateway serves when every port of its plan is open, and not when one is shut', async () => {
  const here = { pid: process.pid };
  const some = await listener([41_194, 40_500, 41_820], [41_443]);
  const programs = [supervised(some)];
  await assert.rejects(untilServes(here, plan, programs, 300), {
    name: 'CannotStart',
    message: 'The gateway does not serve udp 4500.',
  });
  const rest = await listener([4500], []);
  await untilServes(here, plan, programs, 20_000);
  await some.stop();
  await assert.rejects(untilServes(here, plan, programs, 20_000), {
    name: 'CannotStart',
    message: "The gateway's openvpn-udp ended as soon as it was started.",
  });
  await rest.stop();
});

test('a port of the public address that a program has is refused by name', async () => {
  await assertPortsFree(FREE, plan);
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind({ address: FREE, port: 41_820 }, resolve));
  await assert.rejects(assertPortsFree(FREE, plan), /Port 41820\/udp of 127\.77\.0\.1 is taken by another program/);
  socket.close();
  await assert.rejects(assertPortsFree('203.0.113.1', plan), { code: 'EADDRNOTAVAIL' });
});
