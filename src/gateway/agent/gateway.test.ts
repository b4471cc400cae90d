// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Certified, TestAuthority } from '../../../proof/labs/authority/authority.ts';
import { FakeControl } from '../../../proof/labs/control/fake-control.os.ts';
import { sealAuthFile } from '../../contracts/authfile/seal.ts';
import { type GatewayConfig, INTERVALS } from '../../contracts/plan/agent-config.ts';
import { planGateway } from '../../contracts/plan/plan.ts';
import { renderGateway } from '../../contracts/plan/render.ts';
import { type EpochDay, systemClock, today } from '../../core/clock/clock.ts';
import { waitUntil } from '../../core/clock/until.ts';
import { RecordingJournal } from '../../core/journal/journal.ts';
import type { Entitlement, LicenceId, UsageTag } from '../../core/licences/licence.ts';
import { systemRandom } from '../../core/random/random.ts';
import { type EndReason, isRefusal, type SessionId } from '../../core/sessions/session.ts';
import { nowhere } from '../geoip/origin.ts';
import type { Tunnel, TunnelParts } from '../tunnels/protocol.ts';
import { type Gateway, type GatewayContext, openGateway } from './gateway.ts';

const deps = { clock: systemClock, random: systemRandom };
const signing = generateKeyPairSync('ed25519');
const QUICK = { fetch: 40, beats: 30, status: 40, outbox: 30, sweep: 20 };
let port: number;
/** An address of the loopback range that no other test has, so that what others open cannot take the port. */
const HERE = ['127', ...systemRandom.bytes(3)].join('.');
const planOf = (heartbeatPort: number) => ({
  ...planGateway({
    gateway: 'zrh-01',
    location: 'ch-zrh',
    name: 'x',
    address4: '192.0.2.1',
    address6: undefined,
    uplink: 'eth0',
  }),
  service4: HERE,
  heartbeatPort,
});

let directory: string;
let ca: string;
let identity: Certified;

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lethe-gateway-'));
  port = await freePort();
  const authority = await TestAuthority.create();
  ca = authority.certificate;
  identity = await authority.server('control', ['127.0.0.1']);
  for (const { name, content } of [...renderGateway(planOf(port)), { name: 'agent.json', content: '{}' }]) {
    writeFileSync(join(directory, name), content);
  }
});

after(() => rmSync(directory, { recursive: true }));

const TAG = '00112233aabbccdd' as UsageTag;

function entitlement(given: Partial<Entitlement> = {}): Entitlement {
  const expiresOn = (today(systemClock) + 5) as EpochDay;
  return { licence: 7 as LicenceId, expiresOn, seats: 3, usageTag: TAG, ...given };
}

function publish(control: FakeControl, version: number, entitlements: readonly Entitlement[]): void {
  const logins = entitlements.map((one, index) => ({
    verifier: new Uint8Array(16).fill(index + 1),
    nameKey: new Uint8Array(16).fill(index + 1),
    ntHash: new Uint8Array(16),
    entitlement: one,
  }));
  const file = sealAuthFile({ version, salt: new Uint8Array(14), logins, peers: [] }, signing.privateKey);
  control.document('/fleet/v1/authfile', file, { etag: `"${version}"` });
}

function expect(control: FakeControl): void {
  const digest = createHash('sha256')
    .update(readFileSync(join(directory, 'unbound.conf')))
    .digest('hex');
  const files = { 'unbound.conf': digest };
  const body = JSON.stringify({ gateway: 'zrh-01', serial: 1, location: 'ch-zrh', release: '0.1.0', files });
  const signature = sign(null, Buffer.from(`lethe expected configuration v1\n${body}`), signing.privateKey);
  control.document('/fleet/v1/expected', body, { etag: '"1"', 'lethe-signature': signature.toString('base64') });
}

interface Setting {
  readonly control: FakeControl;
  readonly gateway: Gateway;
  readonly journal: RecordingJournal;
  readonly tunnel: { parts: TunnelParts; calls: string[]; ended: string[] };
  readonly connect: (name: string, given?: Partial<Entitlement>) => SessionId;
}

/** A port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, HERE, resolve));
  const { port: free } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return free;
}

/** A gateway whose one tunnel does what the test says, with a control that listens. */
async function withGateway(use: (setting: Setting) => Promise<void>, prepare = publishAll): Promise<void> {
  const control = await FakeControl.open(identity);
  const journal = new RecordingJournal();
  const config: GatewayConfig = {
    plan: planOf(port),
    controlUrl: control.url,
    caFile: '/',
    tokenFile: '/',
    authfileKey: '',
    expectedKey: '',
    geoip: {},
    intervals: { ...INTERVALS, ...QUICK },
    release: '0.1.0',
  };
  const calls: string[] = [];
  const ended: string[] = [];
  const made: { parts?: TunnelParts } = {};
  const live: { session?: SessionId } = {};
  const tunnel: Tunnel = {
    start: async () => void calls.push('start'),
    stop: () => void calls.push('stop'),
    sessionAt: () => live.session,
  };
  const inputs = {
    config,
    ca,
    token: 'token',
    authfileKey: signing.publicKey,
    expectedKey: signing.publicKey,
    origin: nowhere,
    radiusSecret: new Uint8Array(32),
  };
  const gatewayDeps: GatewayContext = {
    ...deps,
    journal,
    directory,
    tunnels: (parts) => {
      made.parts = parts;
      return [tunnel];
    },
    disconnected: () => void calls.push('disconnected'),
    flows: () => ({
      vacated: (key) => void calls.push(`vacated ${key}`),
      sweep: async () => void calls.push('sweep'),
      stop: () => undefined,
    }),
  };
  prepare(control);
  const gateway = await openGateway(inputs, gatewayDeps).catch(async (error: unknown) => {
    await control.close();
    throw error;
  });
  const parts = made.parts ?? assert.fail();
  try {
    await use({
      control,
      gateway,
      journal,
      tunnel: { parts, calls, ended },
      connect(name, given) {
        const session = parts.sessions.admit({
          protocol: 'wireguard',
          entitlement: entitlement(given),
          origin: parts.origin.of(new Uint8Array(4), 0, 4),
          end: (reason: EndReason) => void ended.push(`${name} ${reason}`),
        });
        assert.ok(!isRefusal(session));
        parts.sessions.established(session);
        live.session = session;
        return session;
      },
    });
  } finally {
    await gateway.stop();
    await control.close();
  }
}

function publishAll(control: FakeControl): void {
  publish(control, 1, [entitlement()]);
  expect(control);
  control.answer('/fleet/v1/beats', (_heard, response) => response.end('{"end":[]}'));
  for (const path of ['/fleet/v1/usage', '/fleet/v1/status']) {
    control.answer(path, (_heard, response) => response.writeHead(204).end());
  }
}

test('starts with the auth file in force, and reports that all is as expected', async () => {
  await withGateway(async ({ control, journal, tunnel }) => {
    assert.equal(tunnel.parts.auth.current?.version, 1);
    assert.deepEqual(
      tunnel.calls.filter((call) => call !== 'sweep'),
      ['start'],
    );
    assert.deepEqual(journal.codes(), ['authfile_in_force', 'config_in_force']);
    await waitUntil('the status is sent', () => control.bodies('/fleet/v1/status').length > 0);
    assert.deepEqual(control.bodies('/fleet/v1/status')[0], {
      gateway: 'zrh-01',
      configuration: 'in_force',
      authfile: 1,
      release: '0.1.0',
    });
  });
});

test('a session beats while it lives and leaves one event of six fields', async () => {
  await withGateway(async ({ control, tunnel, connect }) => {
    const session = connect('a');
    await waitUntil('the session is in a beat', () =>
      control.bodies('/fleet/v1/beats').some((body) => JSON.stringify(body).includes(session)),
    );
    tunnel.parts.sessions.ended(session, 1_500_000);
    assert.ok(tunnel.calls.includes('disconnected'));
    await waitUntil('usage is sent', () => control.bodies('/fleet/v1/usage').length > 0);
    const { events } = control.bodies('/fleet/v1/usage')[0] as { events: object[] };
    assert.equal(events.length, 1);
    const { date, ...rest } = events[0] as { date: string };
    assert.match(date, /^\d{4}-\d{2}-\d{2}$/);
    assert.deepEqual(rest, {
      user: TAG,
      country: 'unknown',
      isp: 'unknown',
      megabytes: 2,
      location: 'ch-zrh',
      protocol: 'wireguard',
    });
  });
});

test('what is left in the outbox goes out when the gateway stops', async () => {
  let control: FakeControl | undefined;
  let sent: unknown[] = [];
  await withGateway(async ({ control: own, gateway, tunnel, connect }) => {
    control = own;
    tunnel.parts.sessions.ended(connect('a'), 1);
    await gateway.stop();
    sent = control.bodies('/fleet/v1/usage');
    assert.ok(tunnel.calls.includes('stop'));
    assert.equal(gateway.sessions.size, 0);
  });
  assert.equal(sent.length, 1);
});

test('a device that wakes and rests again and again leaves one event, with the next session that is over or at the end', async () => {
  let sent: { events: { megabytes: number }[] }[] = [];
  await withGateway(async ({ control, gateway, tunnel, connect }) => {
    const { sessions } = tunnel.parts;
    const bodies = () => control.bodies('/fleet/v1/usage') as typeof sent;
    for (let wake = 0; wake < 3; wake += 1) sessions.ended(connect('phone'), 9000, true);
    assert.equal(gateway.sessions.size, 0);
    assert.ok(tunnel.calls.includes('disconnected'), 'the resolver forgets at once');
    sessions.ended(connect('phone'), 990_000);
    await waitUntil('usage is sent', () => bodies().length > 0);
    for (let wake = 0; wake < 3; wake += 1) sessions.ended(connect('phone'), 9000, true);
    await gateway.stop();
    sent = bodies();
  });
  assert.deepEqual(
    sent.map(({ events }) => events.map(({ megabytes }) => megabytes)),
    [[2], [1]],
  );
});

test('the kernel is asked to forget what has lost its session, and what has none', async () => {
  await withGateway(async ({ tunnel }) => {
    tunnel.parts.vacated(5);
    assert.ok(tunnel.calls.includes('vacated 5'));
    await waitUntil('it has looked', () => tunnel.calls.includes('sweep'));
  });
});

test('sessions over the seats are ended as control says, others as a new auth file says', async () => {
  await withGateway(async ({ control, journal, tunnel, connect }) => {
    connect('kept');
    const over = connect('over');
    connect('withdrawn', { usageTag: 'ffffffffffffffff' as UsageTag });
    control.answer('/fleet/v1/beats', (_heard, response) => response.end(JSON.stringify({ end: [over] })));
    await waitUntil('one session is ended', () => tunnel.ended.length === 1);
    publish(control, 2, [entitlement()]);
    await waitUntil('two sessions are ended', () => tunnel.ended.length === 2);
    assert.deepEqual(tunnel.ended, ['over seats', 'withdrawn revoked']);
    assert.deepEqual(journal.codes().filter((code) => code === 'authfile_in_force').length, 2);
  });
});

test('a refused auth file changes nothing and is said once; while control is away, logins go on', async () => {
  await withGateway(async ({ control, journal, tunnel, connect }) => {
    control.answer('/fleet/v1/authfile', (_heard, response) => response.end('LetheAF\njunk'));
    await waitUntil('authfile_refused is said', () => journal.codes().includes('authfile_refused'));
    await delay(150);
    assert.equal(journal.codes().filter((code) => code === 'authfile_refused').length, 1);
    for (const path of ['authfile', 'expected', 'beats', 'usage', 'status']) {
      control.answer(`/fleet/v1/${path}`, (_heard, response) => response.writeHead(500).end());
    }
    await waitUntil('control_lost is said', () => journal.codes().includes('control_lost'));
    assert.equal(tunnel.parts.auth.current?.version, 1);
    connect('still');
    publishAll(control);
    await waitUntil('control_found is said', () => journal.codes().includes('control_found'));
    assert.equal(journal.codes().filter((code) => code === 'control_lost').length, 1);
  });
});

test('without control at the start it waits for an auth file, and takes it as soon as there is one', async () => {
  const nothing = () => undefined;
  await withGateway(async ({ control, journal, tunnel }) => {
    assert.equal(tunnel.parts.auth.current, undefined);
    await waitUntil('the status is sent', () => control.bodies('/fleet/v1/status').length > 0);
    assert.deepEqual(control.bodies('/fleet/v1/status')[0], {
      gateway: 'zrh-01',
      configuration: 'drifted',
      authfile: 0,
      release: '0.1.0',
    });
    publishAll(control);
    await waitUntil('there is an auth file', () => tunnel.parts.auth.current !== undefined);
    await waitUntil('config_in_force is said', () => journal.codes().includes('config_in_force'));
  }, nothing);
});

test('an app beats through the tunnel', async () => {
  await withGateway(async ({ connect, tunnel }) => {
    const beat = async () => {
      const answer = await fetch(`http://${HERE}:${port}/v1/heartbeat`, { method: 'POST' });
      await answer.arrayBuffer();
      return answer.status;
    };
    assert.equal(await beat(), 404);
    const session = connect('app');
    assert.equal(await beat(), 204);
    tunnel.parts.sessions.ended(session);
    assert.equal(await beat(), 404);
  });
});

test('a gateway whose configuration could log asks nobody and opens nothing', async () => {
  const file = join(directory, 'unbound.conf');
  const good = readFileSync(file, 'utf8');
  writeFileSync(file, good.replace('log-queries: no', 'log-queries: yes'));
  const asked: string[] = [];
  try {
    await assert.rejects(
      withGateway(
        async () => assert.fail('it served'),
        (control) => control.answer('/fleet/v1/authfile', () => void asked.push('authfile')),
      ),
      /^StartError: configuration_may_log$/,
    );
    assert.deepEqual(asked, []);
  } finally {
    writeFileSync(file, good);
  }
});

test('a gateway that no other one follows ends its sessions, and control has an event of each', async () => {
  await withGateway(async ({ control, gateway, tunnel, connect }) => {
    const heard = connect('heard');
    connect('silent');
    tunnel.parts.sessions.progress(heard, 5_000_000);
    const ending = gateway.end();
    assert.deepEqual(tunnel.ended, ['heard shutdown', 'silent shutdown']);
    tunnel.parts.sessions.ended(heard, 6_000_001);
    await ending;
    const sent = (control.bodies('/fleet/v1/usage') as { events: { megabytes: number }[] }[]).flatMap(
      ({ events }) => events,
    );
    assert.deepEqual(
      sent.map(({ megabytes }) => megabytes).toSorted((a, b) => a - b),
      [0, 7],
    );
    assert.equal(tunnel.calls.at(-1), 'stop');
  });
});
