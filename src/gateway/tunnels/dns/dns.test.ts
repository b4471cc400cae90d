// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { labelFor } from '../../../../proof/labs/internet/dns.ts';
import { LAB, type Lab, openLab } from '../../../../proof/labs/internet/lab.os.ts';
import { fetchPage } from '../../../../proof/labs/internet/start.os.ts';
import { routeBy } from '../../../../proof/labs/network/network.os.ts';
import { render } from '../../../contracts/plan/dns/render.ts';
import { render as renderFirewall } from '../../../contracts/plan/firewall/render.ts';
import { GATEWAY_FILES, type GatewayPlan, IMAGE_USERS, planGateway } from '../../../contracts/plan/plan.ts';
import { systemClock } from '../../../core/clock/clock.ts';
import { waitUntil } from '../../../core/clock/until.ts';
import { RecordingJournal } from '../../../core/journal/journal.ts';
import { place } from '../../../host/namespaces/place.os.ts';
import type { Child } from '../../../host/processes/process.os.ts';
import { raiseFirewall } from '../firewall/start.os.ts';
import { ResolverRecycling } from './recycling.os.ts';
import { startResolver } from './start.os.ts';

const DIRECTORY = '/run/lethe';
const DAEMON = { user: { uid: 962, gid: 962 }, agentGroup: 970 };

function plan(...forwarders: string[]): GatewayPlan {
  const address = { address4: LAB.address4, address6: LAB.address6 };
  const names = { gateway: 'zrh-01', location: 'ch-zrh', name: 'zrh-01.example' };
  const users = { ...IMAGE_USERS, resolver: DAEMON.user.uid };
  return planGateway({ ...names, ...address, uplink: LAB.uplink, forwarders, users });
}

/** A gateway with the real firewall and resolver, and a customer on a cable in place of a tunnel. */
async function openResolver(): Promise<{ lab: Lab; resolver: Child }> {
  await using opened = new AsyncDisposableStack();
  const lab = opened.use(await openLab());
  const chosen = plan(LAB.web4);
  for (const file of [...render(chosen), ...renderFirewall(chosen)])
    place(lab.gateway, `${DIRECTORY}/${file.name}`, file.content, 0o644);
  await raiseFirewall(lab.gateway, chosen, DIRECTORY);
  const [client] = lab.clients;
  await routeBy(
    { namespace: client, name: 'tun0', addresses: ['100.64.0.2/10'] },
    { namespace: lab.gateway, name: 'wg0', addresses: ['100.64.0.1/10'] },
  );
  const resolver = await startResolver(lab.gateway, DIRECTORY, DAEMON);
  await waitUntil('the resolver answers', async () => (await ask(lab, 'ready', 'AAAA')).status === 'NOERROR');
  opened.move();
  return { lab, resolver };
}

interface Reply {
  readonly status: string | undefined;
  readonly answers: string[];
}

async function ask({ clients: [client] }: Lab, label: string, ...more: string[]): Promise<Reply> {
  const name = label.includes('.') ? label : `${label}.${LAB.zone}`;
  const text = await client.run(['dig', '+time=2', '+tries=2', `@${plan().service4}`, name, ...more]).catch(() => '');
  const answers = text.split('\n').filter((line) => line.startsWith(name));
  return { status: /status: (\w+)/.exec(text)?.[1], answers: answers.map((line) => line.split(/\s+/)[4] as string) };
}

/** How often the Internet was asked for a name. */
async function asked(lab: Lab, label: string): Promise<number> {
  const names = JSON.parse((await fetchPage(lab.internet, LAB.web4, '/asked')) as string) as string[];
  return names.filter((name) => name === `${label}.${LAB.zone}`).length;
}

test('names are answered inside the tunnel, to nobody else, and are forgotten after a disconnect', async () => {
  const { lab } = await openResolver();
  const journal = new RecordingJournal();
  let recycled = 0;
  const socket = `/proc/${lab.gateway.pid}/root${GATEWAY_FILES.resolverSocket}`;
  const recycling = new ResolverRecycling({
    socket,
    clock: systemClock,
    journal,
    interval: 600,
    recycled: () => (recycled += 1),
  });
  try {
    assert.deepEqual(await ask(lab, 'shop'), { status: 'NOERROR', answers: [LAB.web4] });
    assert.deepEqual(await ask(lab, 'shop', 'AAAA'), { status: 'NOERROR', answers: [LAB.web6] });
    assert.deepEqual((await ask(lab, 'shop', '+tcp')).answers, [LAB.web4]);
    assert.equal((await ask(lab, 'unsigned.example')).status, 'SERVFAIL', 'what should be signed and is not');
    assert.equal((await ask(lab, 'version.bind', 'CH', 'TXT')).status, 'REFUSED');
    assert.match(await lab.gateway.run(['stat', '-c', '%g %a', dirname(GATEWAY_FILES.resolverSocket)]), /^970 2750/);
    assert.match(await lab.gateway.run(['stat', '-c', '%g %a', GATEWAY_FILES.resolverSocket]), /^970 660/);
    assert.match(await lab.gateway.run(['ps', '-o', 'uid=', '-C', 'unbound']), /^\s*962$/m);
    const own = await lab.gateway.run(['dig', '+time=2', '+tries=1', `@${plan().service4}`, `own.${LAB.zone}`]);
    assert.match(own, /status: REFUSED/);

    const before = await asked(lab, 'shop');
    await ask(lab, 'shop');
    assert.equal(await asked(lab, 'shop'), before, 'answered from memory');
    recycling.disconnected();
    recycling.disconnected();
    await waitUntil('the resolver is recycled', () => recycled === 1);
    assert.deepEqual((await ask(lab, 'shop')).answers, [LAB.web4]);
    assert.equal(await asked(lab, 'shop'), before + 1, 'asked again, because it was forgotten');

    recycling.disconnected();
    for (let round = 0; round < 8; round += 1) {
      assert.deepEqual((await ask(lab, `during${round}`)).answers, [LAB.web4], 'questions outlive the reload');
    }
    await waitUntil('it is recycled again', () => recycled === 2);
    assert.deepEqual(journal.codes(), []);
  } finally {
    recycling.stop();
    await lab.close();
  }
});

/** What a hostile name server answers: the machine itself, its neighbours, and everything that can stand for them. */
const HOSTILE =
  `0.0.0.0 0.1.2.3 10.1.2.3 100.64.1.1 100.127.255.254 127.0.0.1 127.8.8.8 169.254.169.254 172.16.0.1 172.31.255.254
  192.0.0.1 192.0.0.170 192.168.1.1 198.18.0.1 198.19.255.1 224.0.0.251 239.255.255.250 240.0.0.1 255.255.255.255
  :: ::1 ::7f00:1 ::c0a8:101 ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::7f00:1 64:ff9b::c0a8:101 64:ff9b:1::a00:1
  100::1 2001::1 2001:0:7f00:1::1 2002:7f00:1::1 2002:a00:1::1 fc00::1 fd6c:6574:6865:4::2 fe80::1 febf::1 fec0::1
  ff02::1 ff05::2`.split(/\s+/);

test('a public name leads into no network that is closed to customers, however its server spells it', async () => {
  const { lab } = await openResolver();
  const lookUp = async (address: string) => {
    const type = address.includes(':') ? ['AAAA'] : [];
    return (await ask(lab, labelFor(address), ...type)).answers;
  };
  try {
    for (const address of [LAB.web4, LAB.web6]) assert.deepEqual(await lookUp(address), [address]);
    const passed: string[] = [];
    for (const address of HOSTILE) if ((await lookUp(address)).length > 0) passed.push(address);
    assert.deepEqual(passed, []);
  } finally {
    await lab.close();
  }
});

test('answering and recycling open no file for writing', async () => {
  const { lab, resolver } = await openResolver();
  const journal = new RecordingJournal();
  let recycled = 0;
  const socket = `/proc/${lab.gateway.pid}/root${GATEWAY_FILES.resolverSocket}`;
  const recycling = new ResolverRecycling({ socket, clock: systemClock, journal, recycled: () => (recycled += 1) });
  try {
    const traced = await lab.gateway.spawn(['strace', '-f', '-e', 'trace=%file,sendto', '-p', await insidePid(lab)]);
    await waitUntil('strace is attached', () => traced.output().includes('attached'));
    await ask(lab, 'traced');
    recycling.disconnected();
    await waitUntil('the resolver is recycled', () => recycled === 1);
    await ask(lab, 'traced');
    await traced.stop();
    const lines = traced.output().split('\n');
    assert.ok(
      lines.some((line) => line.includes('sendto')),
      'the trace sees what it does',
    );
    const written = lines.filter((line) =>
      /O_WRONLY|O_RDWR|O_CREAT|creat\(|rename|unlink|mkdir|mknod|truncate/.test(line),
    );
    assert.deepEqual(
      written.filter((line) => !line.includes('"/dev/null"')),
      [],
    );
    assert.equal(resolver.output(), '');
  } finally {
    recycling.stop();
    await lab.close();
  }
});

/** The resolver's process id as the gateway's own processes see it. */
async function insidePid(lab: Lab): Promise<string> {
  return (await lab.gateway.run(['pidof', 'unbound'])).trim();
}

test('a resolver that does not answer is reported once, and found again', async () => {
  const { lab, resolver } = await openResolver();
  const journal = new RecordingJournal();
  const socket = `/proc/${lab.gateway.pid}/root${GATEWAY_FILES.resolverSocket}`;
  const recycling = new ResolverRecycling({ socket, clock: systemClock, journal, interval: 100 });
  try {
    resolver.signal('SIGKILL');
    await resolver.exited;
    recycling.disconnected();
    await waitUntil('the loss is said', () => journal.events.length === 1);
    await delay(300);
    assert.deepEqual(journal.codes(), ['daemon_lost']);
    await startResolver(lab.gateway, DIRECTORY, { ...DAEMON, env: { LC_ALL: 'C' } });
    await waitUntil('it is found', () => journal.events.length >= 2);
    assert.deepEqual(journal.codes(), ['daemon_lost', 'daemon_found']);
  } finally {
    recycling.stop();
    await lab.close();
  }
});
