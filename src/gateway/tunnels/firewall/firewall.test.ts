// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LAB, openLab } from '../../../../proof/labs/internet/lab.os.ts';
import { fetchPage, startInternet } from '../../../../proof/labs/internet/start.os.ts';
import { routeBy } from '../../../../proof/labs/network/network.os.ts';
import { FIREWALL_FILE, MOST_FLOWS, render } from '../../../contracts/plan/firewall/render.ts';
import { type GatewayPlan, IMAGE_USERS, planGateway } from '../../../contracts/plan/plan.ts';
import { waitUntil } from '../../../core/clock/until.ts';
import { type Namespace, openNamespace } from '../../../host/namespaces/namespace.os.ts';
import { place } from '../../../host/namespaces/place.os.ts';
import type { Child } from '../../../host/processes/process.os.ts';
import { untilSays } from '../../../host/processes/ready.os.ts';
import { FIREWALL_JUDGE } from './nologging.ts';
import { raiseFirewall } from './start.os.ts';

const CHOICE = {
  gateway: 'zrh-01',
  location: 'ch-zrh',
  name: 'zrh-01.example',
  address4: LAB.address4,
  address6: LAB.address6,
  uplink: LAB.uplink,
};
const PLAN = planGateway({ ...CHOICE, esp: 'libipsec' });
const DIRECTORY = '/run/lethe';

async function raise(gateway: Namespace, plan: GatewayPlan): Promise<void> {
  for (const file of render(plan)) place(gateway, `${DIRECTORY}/${file.name}`, file.content);
  await raiseFirewall(gateway, plan, DIRECTORY);
}

/**
 * Joins a customer to the gateway by a cable in place of a tunnel, so that it can send whatever it likes. Both ends have
 * the same hardware address and ask for none, since a tunnel has no neighbours.
 */
async function joinTunnel(
  gateway: Namespace,
  client: Namespace,
  protocol: keyof GatewayPlan['tunnels'],
): Promise<void> {
  const { device, pool4, pool6 } = PLAN.tunnels[protocol];
  const four = (host: number) => pool4.replace(/0\/.*/, String(host));
  const six = (host: number) => pool6.replace(/\/.*/, String(host));
  await routeBy(
    { namespace: client, name: 'tun0', addresses: [`${four(2)}/18`, `${six(2)}/64`] },
    { namespace: gateway, name: device, addresses: [`${four(1)}/18`, `${six(1)}/64`] },
  );
  for (const [namespace, name] of [
    [gateway, device],
    [client, 'tun0'],
  ] as const)
    await namespace.run(['ip', 'link', 'set', name, 'address', '02:00:00:00:00:01', 'arp', 'off']);
}

/** Counts, at the router, what came from the gateway under any name but its own, or was meant for a customer inside. */
async function watch(internet: Namespace): Promise<() => Promise<string[]>> {
  const strays = [
    `ip saddr != ${LAB.address4} counter`,
    `ip6 saddr != { ${LAB.address6}, ::, fe80::/10 } counter`,
    'ip daddr 10.64.0.0/15 counter',
    'ip6 daddr fd6c::/16 counter',
  ];
  const rules = strays.map((stray) => `iifname "gw" ${stray}`).join('\n');
  const chain = `chain watch {\ntype filter hook prerouting priority raw;\n${rules}\n}`;
  await internet.run(['nft', '--file', '-'], { stdin: `table inet watch {\n${chain}\n}\n` });
  return async () => {
    const counted = await internet.run(['nft', 'list', 'table', 'inet', 'watch']);
    return counted.split('\n').filter((line) => /counter packets [1-9]/.test(line));
  };
}

async function answers(from: Pick<Namespace, 'run'>, argv: readonly string[]): Promise<boolean> {
  return await from.run(argv).then(
    () => true,
    () => false,
  );
}

const ping = (from: Pick<Namespace, 'run'>, address: string, ...more: string[]) =>
  answers(from, ['ping', '-c1', '-W2', ...more, address]);

const dig = (from: Pick<Namespace, 'run'>, server: string, ...more: string[]) =>
  answers(from, ['dig', '+time=2', '+tries=1', `@${server}`, `name.${LAB.zone}`, ...more]);

type Who = Pick<Namespace, 'run'>;

/** The same namespace, for a program of that user. */
function as(namespace: Namespace, uid: number): Who {
  return { run: (argv) => namespace.run(argv, { user: { uid, gid: uid } }) };
}

/** Whether a TCP connection comes about. */
const opens = (from: Who, address: string, port = 80) =>
  answers(from, ['timeout', '2', 'bash', '-c', `exec 3<>/dev/tcp/${address}/${port}`]);

test('customers reach the Internet under the name of the gateway, the services inside, and nothing else', async () => {
  const lab = await openLab();
  const { gateway, internet } = lab;
  const [a, b] = lab.clients;
  try {
    for (const address of [...LAB.private4, ...LAB.private6]) assert.ok(await ping(gateway, address), address);
    await raise(gateway, PLAN);
    const strays = await watch(internet);
    await joinTunnel(gateway, a, 'wireguard');
    await joinTunnel(gateway, b, 'openvpn-udp');
    await startInternet(gateway, { http: PLAN.heartbeatPort, dns: 53 });
    await startInternet(gateway, { http: 80, dns: 5353 });
    await startInternet(b);

    assert.equal(await fetchPage(a, LAB.web4), LAB.address4);
    assert.equal(await fetchPage(a, LAB.web6), LAB.address6);
    assert.ok(await ping(a, LAB.web4));
    assert.ok(await dig(a, LAB.web4, '-b', '0.0.0.0#51820'), 'a port of the gateway as source port of a customer');

    for (const service of [PLAN.service4, PLAN.service6]) {
      assert.ok((await fetchPage(a, service, '/', PLAN.heartbeatPort))?.endsWith('2'), 'heartbeats');
      assert.ok((await dig(a, service)) && (await dig(a, service, '+tcp')), 'names');
      assert.ok(await ping(a, service));
      assert.equal(await fetchPage(a, service), undefined, 'another port');
    }
    const own = [LAB.address4, LAB.address6, '100.64.0.1', 'fd6c:6574:6865:4::1'];
    const { heartbeatPort } = PLAN;
    const closed = {
      'heartbeats at another address': own.map((address) => fetchPage(a, address, '/', heartbeatPort)),
      'names at another address': own.map((address) => dig(a, address)),
      'anything from outside': [
        fetchPage(internet, LAB.address4),
        fetchPage(internet, LAB.address4, '/', heartbeatPort),
        fetchPage(internet, LAB.address6, '/', heartbeatPort),
        dig(internet, LAB.address4),
        ping(internet, LAB.address4),
      ],
      'another customer': ['10.64.0.2', 'fd6c:6574:6865:1::2'].map((address) => fetchPage(a, address)),
      'a private network': [...LAB.private4, ...LAB.private6].map((address) => fetchPage(a, address)),
    };
    for (const [what, tries] of Object.entries(closed)) {
      for (const answer of await Promise.all(tries)) assert.ok(answer === undefined || answer === false, what);
    }
    assert.ok(await fetchPage(gateway, '127.0.0.1'), 'the closed port does answer to the gateway itself');
    assert.ok(await fetchPage(b, '10.64.0.2'), 'the other customer does serve');
    assert.deepEqual(await strays(), []);
  } finally {
    await lab.close();
  }
});

test('a false source, a tunnel that has gone, and what comes from outside under an inner name go nowhere', async () => {
  const lab = await openLab();
  const { gateway, internet } = lab;
  const [a] = lab.clients;
  try {
    await raise(gateway, PLAN);
    const strays = await watch(internet);
    await joinTunnel(gateway, a, 'wireguard');
    const pretend = async (address: string) => {
      const six = address.includes(':');
      const prefix = six ? ['/128', 'nodad'] : ['/32'];
      await a.run(['ip', 'address', 'add', `${address}${prefix[0]}`, 'dev', 'tun0', ...prefix.slice(1)]);
      return await ping(a, six ? LAB.web6 : LAB.web4, '-I', address);
    };
    const others = ['10.64.0.9', '10.65.0.1', '198.51.100.7', '2001:db8:51::7', 'fd6c:6574:6865:1::9'];
    for (const answered of await Promise.all(others.map(pretend))) assert.equal(answered, false);
    await internet.run(['ip', 'address', 'add', '100.64.0.9/32', 'dev', 'lo']);
    await internet.run(['ip', 'route', 'add', PLAN.service4, 'via', LAB.address4]);
    assert.equal(await ping(internet, PLAN.service4, '-I', '100.64.0.9'), false);
    assert.equal(await ping(internet, PLAN.service4), false);
    assert.ok(await ping(a, LAB.web4));
    await gateway.run(['ip', 'link', 'delete', PLAN.tunnels.wireguard.device]);
    const agent = as(gateway, PLAN.users.agent);
    assert.ok(await opens(agent, LAB.web4));
    assert.equal(await opens(agent, '100.64.0.2'), false);
    assert.equal(await opens(agent, 'fd6c:6574:6865:4::2'), false);
    assert.deepEqual(await strays(), []);
  } finally {
    await lab.close();
  }
});

/** Opens TCP connections to as many ports of an address that never answers. Gives what ends all of them. */
async function flood(from: Namespace, address: string, connections: number): Promise<Child> {
  const script = `const { connect } = require('node:net');
    for (let port = 1; port <= ${connections}; port += 1)
      connect({ host: '${address}', port, autoSelectFamily: false }).on('error', () => undefined);
    setImmediate(() => process.stdout.write('sent'));`;
  const child = await from.spawn(['sh', '-c', 'ulimit -n 20000 && exec "$0" -e "$1"', process.execPath, script]);
  await untilSays(child, 'the flood', /sent/);
  return child;
}

async function flowsOf(gateway: Namespace): Promise<number> {
  return Number(await gateway.run(['sysctl', '-n', 'net.netfilter.nf_conntrack_count']));
}

test('one customer cannot fill the table of flows, and what it filled is soon empty', async () => {
  const lab = await openLab();
  const { gateway } = lab;
  const [a, b] = lab.clients;
  try {
    await raise(gateway, PLAN);
    await joinTunnel(gateway, a, 'wireguard');
    await joinTunnel(gateway, b, 'openvpn-udp');
    const drop = ['add', 'rule', 'inet', 'watch', 'silent', 'iifname', 'gw', 'tcp', 'dport', '!=', '80', 'drop'];
    await lab.internet.run(['nft', 'add', 'table', 'inet', 'watch']);
    await lab.internet.run(['nft', 'add chain inet watch silent { type filter hook input priority raw; }']);
    await lab.internet.run(['nft', ...drop]);
    for (const web of [LAB.web4, LAB.web6]) {
      const flooding = await flood(a, web, 9000);
      await waitUntil('the flood has come', async () => (await flowsOf(gateway)) >= MOST_FLOWS);
      assert.equal(await fetchPage(a, web), undefined, 'it has used up what is its own');
      for (let round = 0; round < 3; round += 1) assert.ok(await fetchPage(b, web), 'others go on');
      assert.ok((await flowsOf(gateway)) < MOST_FLOWS + 100);
      await flooding.stop();
      await waitUntil('the flood is forgotten', async () => (await flowsOf(gateway)) < 50, 15_000);
      assert.ok(await fetchPage(a, web), 'and it may begin anew');
    }
    const counted = () => gateway.run(['nft', 'list', 'table', 'inet', 'lethe']);
    assert.match(await counted(), /elements = /);
    await waitUntil('none is counted any more', async () => !(await counted()).includes('elements = '), 15_000);
  } finally {
    await lab.close();
  }
});

/** Counts, at the router, whatever the gateway sends but neighbours' and routers' questions. */
async function listen(internet: Namespace): Promise<() => Promise<number>> {
  const rules = 'iifname "gw" icmpv6 type { 133-136, 143 } accept\niifname "gw" counter';
  const chain = `chain heard {\ntype filter hook prerouting priority raw;\n${rules}\n}`;
  await internet.run(['nft', '--file', '-'], { stdin: `table inet heard {\n${chain}\n}\n` });
  return async () => Number(/packets (\d+)/.exec(await internet.run(['nft', 'list', 'table', 'inet', 'heard']))?.[1]);
}

const boundTo = (port: number) => ['-b', `0.0.0.0#${port}`];

/** What a program of a gateway could try to send by itself. */
const TRIES: Readonly<Record<string, (who: Who) => Promise<boolean>>> = {
  name: (who) => dig(who, LAB.web4),
  'name by IPv6': (who) => dig(who, LAB.web6),
  'name by TCP': (who) => dig(who, LAB.web4, '+tcp'),
  connection: (who) => opens(who, LAB.web4),
  'connection by IPv6': (who) => opens(who, LAB.web6),
  "connection from OpenVPN's port": (who) => dig(who, LAB.web4, '+tcp', ...boundTo(443)),
  "packet from OpenVPN's port": (who) => dig(who, LAB.web4, ...boundTo(1194)),
  echo: (who) => ping(who, LAB.web4),
};

async function succeed(who: Who): Promise<string[]> {
  const tried = Object.entries(TRIES).map(async ([what, attempt]) => ((await attempt(who)) ? [what] : []));
  return (await Promise.all(tried)).flat();
}

test('what the gateway itself may send is listed by user; whatever else its programs try stays inside', async () => {
  await using lab = await openLab();
  const { gateway, internet } = lab;
  const anyPort = ['net.ipv4.ping_group_range=0 2147483647', 'net.ipv4.ip_unprivileged_port_start=0'];
  await gateway.run(['sysctl', '-qw', ...anyPort]);
  const [root, another] = [0, 12_345];
  assert.deepEqual(await succeed(as(gateway, another)), Object.keys(TRIES), 'without rules it is all possible');

  await raise(gateway, PLAN);
  const heard = await listen(internet);
  for (const uid of [root, another]) assert.deepEqual(await succeed(as(gateway, uid)), [], String(uid));
  // What comes back to IKE's port must be IKE, so no answer would show it.
  const { agent, activation, resolver, openvpn, charon } = IMAGE_USERS;
  const sendsAsIke = (uid: number) => dig(as(gateway, uid), LAB.web4, ...boundTo(500));
  for (const uid of [root, another, agent, openvpn]) await sendsAsIke(uid);
  assert.equal(await heard(), 0);
  await sendsAsIke(charon);
  assert.equal(await heard(), 1);
  const connections = Object.keys(TRIES).filter((what) => /connection|TCP/.test(what));
  const names = Object.keys(TRIES).filter((what) => what !== 'echo' && !/^connection(?: by|$)/.test(what));
  assert.deepEqual(await succeed(as(gateway, agent)), connections);
  assert.deepEqual(await succeed(as(gateway, activation)), connections);
  assert.deepEqual(await succeed(as(gateway, resolver)), names);
  assert.deepEqual(await succeed(as(gateway, openvpn)), ["packet from OpenVPN's port"]);
  assert.deepEqual(await succeed(as(gateway, charon)), []);

  // Who asks at a port whose daemon is away is told so by the kernel, and need not wait.
  const asking = ['dig', '+tries=1', '+time=9', '-p', '1194', `@${LAB.address4}`];
  await assert.rejects(internet.run(asking), /connection refused/);
  const opening = ['timeout', '9', 'bash', '-c', `exec 3<>/dev/tcp/${LAB.address4}/443`];
  await assert.rejects(internet.run(opening), /refused/);
});

test('without an address of its own, IPv6 of customers is refused at once and nothing of it leaves', async () => {
  const lab = await openLab();
  const [a] = lab.clients;
  try {
    await raise(lab.gateway, { ...PLAN, address6: undefined });
    const strays = await watch(lab.internet);
    await joinTunnel(lab.gateway, a, 'wireguard');
    assert.equal(await fetchPage(a, LAB.web4), LAB.address4);
    const began = performance.now();
    await assert.rejects(a.run(['ping', '-c1', '-W30', LAB.web6]), /No route|Destination unreachable/);
    assert.ok(performance.now() - began < 20_000);
    assert.ok(await ping(a, PLAN.service6), 'names and heartbeats are still there');
    assert.deepEqual(await strays(), []);
  } finally {
    await lab.close();
  }
});

test('the kernel takes every ruleset and setting, and what it then has in force keeps nothing', async () => {
  const gateway = await openNamespace();
  try {
    for (const esp of ['kernel', 'libipsec'] as const) {
      for (const address6 of [LAB.address6, undefined]) {
        await raise(gateway, planGateway({ ...CHOICE, esp, address6 }));
        // The kernel's list is indented with tabs, which no file of ours has.
        const inForce = (await gateway.run(['nft', 'list', 'ruleset'])).replaceAll('\t', ' ');
        assert.match(inForce, /hook output priority filter; policy drop;/);
        assert.deepEqual(FIREWALL_JUDGE.findings({ name: FIREWALL_FILE, content: inForce }), []);
      }
    }
    const listed = await gateway.run(['sysctl', '-a', '--pattern', 'nf_conntrack_.*timeout']);
    const timeouts = listed.split('\n').flatMap((line) => {
      const [, flow, seconds] = /^net\.netfilter\.nf_conntrack_(\w+) = (\d+)$/.exec(line) ?? [];
      return flow === undefined ? [] : [{ flow, seconds: Number(seconds) }];
    });
    assert.ok(timeouts.length > 20);
    // Whatever this kernel follows, but for what no customer's packet gets through to.
    const long = timeouts.filter(({ flow, seconds }) => seconds > 60 && !/^(?:sctp|dccp)_/.test(flow));
    assert.deepEqual(long, [{ flow: 'tcp_timeout_established', seconds: 7440 }]);
    assert.equal((await gateway.run(['sysctl', '-n', 'net.netfilter.nf_conntrack_acct'])).trim(), '0');
    assert.equal((await gateway.run(['sysctl', '-n', 'net.ipv4.tcp_no_metrics_save'])).trim(), '1');
  } finally {
    await gateway.close();
  }
});
