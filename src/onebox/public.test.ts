// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  type ClientMachine,
  connectIkev2,
  connectOpenvpn,
  connectWireguard,
  type StockClient,
  visit,
} from '../../proof/labs/clients/client.os.ts';
import type { Newcomer } from '../../proof/labs/customers/newcomer.main.ts';
import { fetchPage, INTERNET } from '../../proof/labs/internet/start.os.ts';
import { homeAddress, homeAddress6, openWorld, type World } from '../../proof/labs/internet/world.os.ts';
import { routeBy, TestNetwork } from '../../proof/labs/network/network.os.ts';
import { waitUntil } from '../core/clock/until.ts';
import { systemRandom as random } from '../core/random/random.ts';
import type { Namespace } from '../host/namespaces/namespace.os.ts';
import type { Child } from '../host/processes/process.os.ts';
import { untilSays } from '../host/processes/ready.os.ts';
import { EXIT } from '../host/terminal/exit.ts';
import { FLOW_MEMORY } from './publish.ts';

/**
 * `./lethe up --public` on a machine that is a namespace: with a web server on 443, a service of its own, and neighbours
 * behind two more interfaces. Customers come from outside.
 */
const PUBLIC = '198.51.100.7';
/** Another address of the machine: a customer's way to the public one does not lead through the tunnel. */
const SECOND = '198.51.100.78';
const OWN_PORT = 2222;
const LETHE = fileURLToPath(new URL('../../cmd/lethe.ts', import.meta.url));
const NEWCOMER = fileURLToPath(new URL('../../proof/labs/customers/newcomer.main.ts', import.meta.url));
const RESOLVER = '10.65.0.1';
const PROTOCOLS = ['openvpn-udp', 'openvpn-tcp', 'ikev2', 'wireguard'] as const;

/** What a TLS proxy in front of the portal does, without TLS. */
const PROXY = `require('node:net').createServer((from) => {
  const to = require('node:net').connect(8080, '127.0.0.1');
  from.pipe(to).on('error', () => from.destroy());
  to.pipe(from).on('error', () => to.destroy());
}).listen(443, '0.0.0.0', () => console.log('listening'));`;
const PAGE = (port: number) =>
  `require('node:http').createServer((_, reply) => reply.end('own')).listen(${port}, '0.0.0.0', () => console.log('listening'));`;

let world: World;
let machine: Namespace;
let neighbour: Namespace;
let other: Namespace;
let service: Child;
let newcomer: Newcomer;
const network = new TestNetwork();
const customers: ClientMachine[] = [];
const homes = PROTOCOLS.map((_, index) => homeAddress(random, index));
const clients: StockClient[] = [];
const directory = mkdtempSync(join(tmpdir(), 'lethe-public-'));

async function serve(namespace: Namespace, program: string): Promise<void> {
  await untilSays(await namespace.spawn([process.execPath, '-e', program]), 'node', /listening/);
}

function startUp(...flags: readonly string[]): Promise<Child> {
  const where = ['--data', directory, '--forwarder', INTERNET.address4, '--public', PUBLIC];
  return machine.spawn([process.execPath, LETHE, 'up', ...where, ...flags]);
}

async function connect(index: number): Promise<StockClient> {
  const customer = customers[index] as ClientMachine;
  switch (PROTOCOLS[index]) {
    case 'openvpn-udp':
      return await connectOpenvpn(customer, newcomer.openvpnUdp, newcomer.welcome);
    case 'openvpn-tcp':
      return await connectOpenvpn(customer, newcomer.openvpnTcp, newcomer.welcome);
    case 'ikev2':
      return await connectIkev2(customer, newcomer.swanctl, newcomer.authority, newcomer.welcome);
    default:
      return await connectWireguard(customer, newcomer.wireguard);
  }
}

/** New credentials reach the gateway with its next auth file. */
async function patiently<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = 30; ; left -= 1) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0) throw error;
      await delay(2000);
    }
  }
}

before(async () => {
  world = await openWorld();
  machine = await world.machine('machine', PUBLIC, homeAddress6(random));
  await machine.run(['ip', 'address', 'add', `${SECOND}/32`, 'dev', 'lo']);
  await world.router.run(['ip', 'route', 'add', SECOND, 'dev', 'machine']);
  [neighbour, other] = await network.machines(2);
  for (const [index, namespace] of [neighbour, other].entries()) {
    await routeBy(
      { namespace, name: 'eth0', addresses: [`172.16.${index}.2/24`] },
      { namespace: machine, name: `lan${index}`, addresses: [`172.16.${index}.1/24`] },
    );
  }
  for (const [index, home] of homes.entries()) {
    const namespace = await world.machine(`c${index}`, home, homeAddress6(random));
    customers.push({ namespace, gateway: PUBLIC, device: 'eth0' });
  }
  await serve(machine, PROXY);
  await serve(machine, PAGE(OWN_PORT));
  await serve(other, PAGE(80));
});
after(async () => {
  await network.close();
  await world.close();
  rmSync(directory, { recursive: true, force: true });
});

test('443 is not taken from a web server, and stays with it when it is told', async () => {
  const refused = await startUp();
  assert.equal((await refused.exited).code, EXIT.machine);
  assert.match(refused.output(), /Port 443\/tcp of 198\.51\.100\.7 is taken by another program, which/);
  assert.match(refused.output(), /With --keep-443 it stays/);

  service = await startUp('--keep-443');
  await untilSays(service, 'up', /Lethe is up/);
  assert.match(service.output(), /Gateway {2}198\.51\.100\.7: OpenVPN 1194\/udp and 1194\/tcp, IKEv2, WireGuard/);
  const portal = [`http://${PUBLIC}:443`, 'xx-home', 'xx-home-01'];
  newcomer = JSON.parse(await neighbour.run([process.execPath, NEWCOMER, ...portal])) as Newcomer;
  assert.match(newcomer.page, /-ServerAddress 198\.51\.100\.7 /);
});

test('stock clients of every protocol connect from outside and fetch a page under the public address', async () => {
  const connected = await Promise.all(PROTOCOLS.map((_, index) => patiently(() => connect(index))));
  clients.push(...connected);
  for (const [index, { namespace }] of connected.entries()) {
    const seen = await patiently(() => visit(namespace, `www.${INTERNET.zone}`, '/page', RESOLVER));
    assert.deepEqual(seen, { addresses: [INTERNET.address4], status: 200, body: PUBLIC }, `${PROTOCOLS[index]}`);
  }
});

test('the machine is no router for its neighbours, and the fleet answers them not', async () => {
  assert.equal(await fetchPage(neighbour, '172.16.1.2'), undefined);
  assert.equal(await fetchPage(other, '172.16.1.2'), 'own');
  const asked = ['10.66.0.1', '10.66.0.9', '10.66.0.10'].flatMap((address) => [
    `https://${address}:8443/`,
    `http://${address}:${OWN_PORT}/`,
  ]);
  await Promise.all(
    asked.map((url) => assert.rejects(neighbour.run(['curl', '-ksS', '-m', '2', url]), /timed out/, url)),
  );
});

/** For how many seconds more the machine remembers the flows with an address. */
function secondsOf(tracked: string, address: string): number[] {
  const lines = tracked.split('\n').filter((line) => line.includes(`=${address} `));
  return lines.map((line) => Number(/^\S+\s+\d+\s+\S+\s+\d+\s+(\d+)/.exec(line)?.[1]));
}

test('the machine remembers customers and what they visit for seconds', async () => {
  const tracked = await machine.run(['cat', '/proc/net/nf_conntrack']);
  for (const [index, home] of homes.entries()) {
    const seconds = secondsOf(tracked, home);
    assert.ok(seconds.length > 0, `${PROTOCOLS[index]} is tracked`);
    for (const left of seconds) assert.ok(left <= FLOW_MEMORY.tunnels.later, `${PROTOCOLS[index]}: ${left} s`);
  }
  const visits = secondsOf(tracked, INTERNET.address4);
  assert.ok(visits.length > 0);
  for (const left of visits) assert.ok(left <= FLOW_MEMORY.visits.later, `${left} s`);
});

test('customers reach nothing of the machine but the web server that it keeps', async () => {
  // The page is there: who comes past the tunnel reaches it.
  assert.equal(await fetchPage(world.router, SECOND, '/', OWN_PORT), 'own');
  await Promise.all(
    clients.map(async ({ namespace }, index) => {
      assert.equal(await fetchPage(namespace, SECOND, '/', OWN_PORT), undefined, `${PROTOCOLS[index]}`);
    }),
  );
  // Most go past the tunnel to the public address; publish.test.ts shows the way through it.
  const [first] = clients;
  assert.match((await fetchPage((first as StockClient).namespace, PUBLIC, '/', 443)) ?? '', /<html/);
});

test('kill -9 takes back what was changed of the machine', async () => {
  assert.equal((await machine.run(['sysctl', '-n', 'net.ipv4.ip_forward'])).trim(), '1');
  service.signal('SIGKILL');
  await service.exited;
  await waitUntil('the table is gone', async () => (await machine.run(['nft', 'list', 'tables'])) === '');
  await waitUntil('forwarding is off', async () => {
    return (await machine.run(['sysctl', '-n', 'net.ipv4.ip_forward'])).trim() === '0';
  });
  await waitUntil('no keeper is left', async () => !(await machine.run(['ps', '-eo', 'args'])).includes('nft delete'));
});
