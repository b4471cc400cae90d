// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routeBy, TestNetwork } from '../../proof/labs/network/network.os.ts';
import { planGateway } from '../contracts/plan/plan.ts';
import { waitUntil } from '../core/clock/until.ts';
import { joinByCable, type Namespace } from '../host/namespaces/namespace.os.ts';
import type { Child } from '../host/processes/process.os.ts';
import { untilSays } from '../host/processes/ready.os.ts';
import { raiseMachineRules, sweepMachineRules } from './publish.os.ts';
import { FLOW_MEMORY, type FlowMemory, type MachineCables, type Publication } from './publish.ts';

const PUBLIC = '198.18.0.1';
const WORLD = '198.18.0.9';
const CABLES: MachineCables = {
  name: 'lethe0',
  network: '10.66.0.0/24',
  controlAddress: '10.66.0.1',
  gatewayAddress: '10.66.0.10',
};
const PUBLICATION: Publication = {
  publicAddress: PUBLIC,
  plan: planGateway({
    gateway: 'zrh-01',
    location: 'ch-zrh',
    name: 'zrh-01.example.net',
    address4: PUBLIC,
    listen4: CABLES.gatewayAddress,
    address6: undefined,
    uplink: 'uplink',
  }),
  web: false,
};

interface Lab extends AsyncDisposable {
  /** In place of the machine, so that the real one is left alone. */
  readonly machine: Namespace;
  readonly gateway: Namespace;
  /** Outside, by the machine's public address. */
  readonly world: Namespace;
  /** On another interface of the machine, which is its router. */
  readonly neighbour: Namespace;
  raise(publication?: Publication, memory?: FlowMemory): Promise<() => Promise<void>>;
}

async function openLab(): Promise<Lab> {
  const network = new TestNetwork();
  const [world, machine, gateway, neighbour] = await network.machines(4);
  await joinByCable(
    { namespace: world, name: 'w0', addresses: [`${WORLD}/24`] },
    { namespace: machine, name: 'h0', addresses: [`${PUBLIC}/24`] },
  );
  await joinByCable(
    { namespace: machine, name: 'lethe0c', addresses: ['10.66.0.1/30'] },
    { namespace: gateway, name: 'control', addresses: ['10.66.0.2/30'] },
  );
  await routeBy(
    { namespace: gateway, name: 'uplink', addresses: ['10.66.0.10/29'] },
    { namespace: machine, name: 'lethe0u', addresses: ['10.66.0.9/29'] },
  );
  await routeBy(
    { namespace: neighbour, name: 'eth0', addresses: ['172.16.0.2/24'] },
    { namespace: machine, name: 'lan0', addresses: ['172.16.0.1/24'] },
  );
  await world.run(['ip', 'route', 'add', '172.16.0.0/24', 'via', PUBLIC]);
  return {
    machine,
    gateway,
    world,
    neighbour,
    raise: (publication, memory = FLOW_MEMORY) =>
      raiseMachineRules(
        { cables: CABLES, controlPorts: [8443], forwarders: [PUBLIC], publication },
        machine.enter,
        memory,
      ),
    [Symbol.asyncDispose]: () => network.close(),
  };
}

const forwarding = async (namespace: Namespace, value?: string): Promise<string> =>
  (value === undefined
    ? await namespace.run(['sysctl', '-n', 'net.ipv4.ip_forward'])
    : await namespace.run(['sysctl', '-q', '-w', `net.ipv4.ip_forward=${value}`])
  ).trim();

const tables = (namespace: Namespace): Promise<string> => namespace.run(['nft', 'list', 'tables']);

/** Starts a program that has a port and says when it is ready. */
async function start(namespace: Namespace, program: string, port: number, sign: RegExp): Promise<Child> {
  const child = await namespace.spawn([process.execPath, '-e', program.replaceAll('PORT', String(port))]);
  await untilSays(child, 'node', sign);
  return child;
}

const LISTENER = `const socket = require('node:dgram').createSocket('udp4');
  socket.on('message', (text) => console.log('heard ' + text)).bind(PORT, () => console.log('bound'));`;

/** Sends a packet to a {@link LISTENER} under an address. */
async function send(from: Namespace, address: string, text: string, to = '172.16.0.1'): Promise<void> {
  const program = `const socket = require('node:dgram').createSocket('udp4');
    socket.bind(0, '${address}', () => socket.send('${text}', 7000, '${to}', () => socket.close()));`;
  await from.run([process.execPath, '-e', program]);
}

/** Answers on TCP ports with the address that asks. */
async function serve(namespace: Namespace, ...ports: readonly number[]): Promise<void> {
  const program = `for (const port of [${ports.join()}]) require('node:net').createServer((socket) => {
    socket.on('error', () => undefined).end(socket.remoteAddress);
  }).listen(port, '0.0.0.0', () => console.log('listening on ' + port));`;
  const child = await namespace.spawn([process.execPath, '-e', program]);
  for (const port of ports) await untilSays(child, 'node', new RegExp(`listening on ${port}`));
}

/** What a TCP port answers; how it failed, when it did. */
async function ask(namespace: Namespace, address: string, port: number): Promise<string> {
  const program = `const socket = require('node:net').connect({ host: '${address}', port: ${port}, timeout: 1500 });
  socket.on('data', (data) => console.log(String(data))).on('timeout', () => socket.destroy(new Error('silence')));
  socket.on('error', (error) => console.log(error.code ?? error.message));`;
  return (await namespace.run([process.execPath, '-e', program])).trim();
}

test('only the machine and the gateway speak to the cables, and the gateway to no other program', async () => {
  await using lab = await openLab();
  await serve(lab.machine, 8443, 22, 53);
  await serve(lab.world, 80);
  await forwarding(lab.machine, '1');
  assert.equal(await ask(lab.neighbour, '10.66.0.1', 8443), '172.16.0.2');
  assert.equal(await ask(lab.gateway, PUBLIC, 22), '10.66.0.10');
  await lab.world.run(['ip', 'route', 'add', '10.66.0.0/16', 'via', PUBLIC]);
  assert.equal(await ask(lab.gateway, WORLD, 80), '10.66.0.10');
  const listener = await start(lab.machine, LISTENER, 7000, /bound/);
  await lab.neighbour.run(['ip', 'address', 'add', '10.66.0.77/32', 'dev', 'lo']);
  await send(lab.neighbour, '10.66.0.77', 'unguarded');
  await untilSays(listener, 'node', /heard unguarded/);

  const lower = await lab.raise();
  for (const address of ['10.66.0.1', '10.66.0.9']) {
    assert.equal(await ask(lab.neighbour, address, 8443), 'silence');
    assert.equal(await ask(lab.world, address, 8443), 'silence');
  }
  await send(lab.neighbour, '10.66.0.77', 'guarded');
  await send(lab.neighbour, '172.16.0.2', 'plain');
  await untilSays(listener, 'node', /heard plain/);
  assert.doesNotMatch(listener.output(), /heard guarded/);
  assert.equal(await ask(lab.machine, '10.66.0.1', 8443), '10.66.0.1');
  // The agent reaches control, and the resolver a resolver that the operator named.
  assert.equal(await ask(lab.gateway, '10.66.0.1', 8443), '10.66.0.2');
  assert.equal(await ask(lab.gateway, PUBLIC, 53), '10.66.0.10');
  for (const [address, port] of [
    ['10.66.0.1', 22],
    [PUBLIC, 22],
    [PUBLIC, 8443],
    ['172.16.0.1', 22],
  ] as const) {
    assert.equal(await ask(lab.gateway, address, port), 'EHOSTUNREACH', `${address} ${port}`);
  }
  // Nothing of the gateway leaves, not even a packet that wants no answer.
  const outside = await start(lab.world, LISTENER, 7000, /bound/);
  await send(lab.gateway, '10.66.0.10', 'private', WORLD);
  await send(lab.neighbour, '172.16.0.2', 'plain', WORLD);
  await untilSays(outside, 'node', /heard plain/);
  assert.doesNotMatch(outside.output(), /heard private/);
  assert.equal(await ask(lab.neighbour, WORLD, 80), '172.16.0.2');
  await lower();
  assert.equal(await tables(lab.machine), '');
  assert.equal(await forwarding(lab.machine), '1');
});

const RECEIVE = `
  const socket = require('node:dgram').createSocket('udp4');
  socket.on('message', (_, from) => { console.log('from ' + from.address); process.exit(0); });
  socket.bind(1194, () => console.log('bound'));`;

test('packets for the public address reach the gateway with their source, and everything is taken back', async () => {
  await using lab = await openLab();
  await serve(lab.world, 80);
  await serve(lab.machine, 443, 22);
  await forwarding(lab.machine, '0');
  const lower = await lab.raise(PUBLICATION);
  assert.equal(await ask(lab.gateway, PUBLIC, 443), 'EHOSTUNREACH');
  const receiver = await lab.gateway.spawn([process.execPath, '-e', RECEIVE]);
  await untilSays(receiver, 'node', /bound/);
  await lab.world.run(['bash', '-c', `echo hello > /dev/udp/${PUBLIC}/1194`]);
  await receiver.exited;
  assert.match(receiver.output(), /from 198\.18\.0\.9/);
  await lab.gateway.run(['ping', '-c1', '-W20', WORLD]);
  assert.equal(await ask(lab.gateway, WORLD, 80), PUBLIC);
  // It passes packets on for the gateway alone.
  assert.equal(await ask(lab.neighbour, WORLD, 80), 'silence');

  await lower();
  assert.equal(await tables(lab.machine), '');
  assert.equal(await forwarding(lab.machine), '0');
  await forwarding(lab.machine, '1');
  const lowerBesideWeb = await lab.raise({ ...PUBLICATION, web: true });
  assert.equal(await ask(lab.gateway, PUBLIC, 443), '10.66.0.10');
  for (const [address, port] of [
    [PUBLIC, 22],
    ['172.16.0.1', 443],
  ] as const) {
    assert.equal(await ask(lab.gateway, address, port), 'EHOSTUNREACH', `${address} ${port}`);
  }
  await lowerBesideWeb();
  assert.equal(await forwarding(lab.machine), '1');
});

test('of two services the last takes the forwarding back, and what was left is swept', async () => {
  await using lab = await openLab();
  await forwarding(lab.machine, '0');
  const cables = { ...CABLES, name: 'lethe1', network: '10.66.1.0/24', controlAddress: '10.66.1.1' };
  const second = { cables, controlPorts: [8443], forwarders: [], publication: PUBLICATION };
  const [lower, lowerSecond] = [await lab.raise(PUBLICATION), await raiseMachineRules(second, lab.machine.enter)];
  await lower();
  assert.equal(await forwarding(lab.machine), '1');
  await lowerSecond();
  assert.equal(await forwarding(lab.machine), '0');

  // Its cables are there.
  const lowerAgain = await lab.raise(PUBLICATION);
  await sweepMachineRules(lab.machine.enter);
  assert.equal(await tables(lab.machine), 'table inet lethe0\n');
  await lab.machine.run(['ip', 'link', 'delete', 'lethe0c']);
  await sweepMachineRules(lab.machine.enter);
  assert.equal(await tables(lab.machine), '');
  assert.equal(await forwarding(lab.machine), '0');
  await assert.rejects(lowerAgain(), /the rules of the machine were not taken back/);
});

/** Short enough to watch. */
const SHORT: FlowMemory = { tunnels: { first: 2, later: 2 }, visits: { first: 2, later: 2 } };

/** A visited host that speaks when it is told to: a line of its standard input is `say` or `end`. */
const VISITED = `
  let visitor;
  require('node:net').createServer((socket) => { visitor = socket; socket.on('data', (data) => console.log('got ' + data)).on('end', () => console.log('left')); })
    .listen(PORT, () => console.log('listening'));
  require('node:net').createServer((socket) => socket.on('data', (word) => {
    if (String(word) === 'say') visitor.write('hello'); else visitor.end();
  })).listen(PORT + 1, '127.0.0.1');`;
/** Connects from one of the ports that a gateway takes for customers, and from then on says what it hears. */
const VISITOR = `const socket = require('node:net').connect({ host: '${WORLD}', port: PORT, localPort: PORT + 16000, allowHalfOpen: true });
  socket.on('connect', () => console.log('connected')).on('data', (data) => console.log('heard ' + data));
  socket.on('end', () => { console.log('ended'); socket.end('bye'); }).on('close', () => process.exit(0));
  process.on('SIGUSR2', () => socket.end());`;

const tracks = async (namespace: Namespace, what: string): Promise<boolean> =>
  (await namespace.run(['cat', '/proc/net/nf_conntrack'])).includes(what);
const tell = (namespace: Namespace, port: number, word: string): Promise<string> =>
  namespace.run(['bash', '-c', `printf ${word} > /dev/tcp/127.0.0.1/${port}`]);

test('a visit that the machine has forgotten goes on, from either side and to its end', async () => {
  await using lab = await openLab();
  const [own, visits] = [8000, 9000];
  const ownHost = await start(lab.world, VISITED, own, /listening/);
  const host = await start(lab.world, VISITED, visits, /listening/);
  // The machine's own connection comes from such a port as well, and is older than the rules.
  const ownVisitor = await start(lab.machine, VISITOR, own, /connected/);
  const lower = await lab.raise(PUBLICATION, SHORT);
  const visitor = await start(lab.gateway, VISITOR, visits, /connected/);
  assert.ok(await tracks(lab.machine, `dport=${visits}`));
  const forgotten = () => waitUntil('it is forgotten', async () => !(await tracks(lab.machine, `dport=${visits} `)));

  await forgotten();
  await tell(lab.world, visits + 1, 'say');
  await untilSays(visitor, 'node', /heard hello/);
  await waitUntil('all is forgotten', async () => !(await tracks(lab.machine, WORLD)));
  await tell(lab.world, visits + 1, 'end');
  await untilSays(visitor, 'node', /ended/);
  await untilSays(host, 'node', /got bye/);
  await visitor.exited;

  const leaver = await start(lab.gateway, VISITOR, visits, /connected/);
  const left = host.output().length;
  await forgotten();
  leaver.signal('SIGUSR2');
  await waitUntil('the host knows that it has left', () => host.output().slice(left).includes('left'));

  await tell(lab.world, own + 1, 'say');
  await untilSays(ownVisitor, 'node', /heard hello/);
  await tell(lab.world, own + 1, 'end');
  await untilSays(ownHost, 'node', /got bye/);
  await lower();
});
