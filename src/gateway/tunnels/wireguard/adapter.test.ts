// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FakeDaemon, type FakePeer } from '../../../../proof/labs/wireguard/fake-daemon.os.ts';
import type { AuthFile, AuthSource, Peer } from '../../../contracts/authfile/authfile.ts';
import { IDLE_AFTER, planGateway } from '../../../contracts/plan/plan.ts';
import { innerPools } from '../../../contracts/plan/pool.ts';
import { type EpochDay, ManualClock, today } from '../../../core/clock/clock.ts';
import { waitUntil } from '../../../core/clock/until.ts';
import { RecordingJournal } from '../../../core/journal/journal.ts';
import type { Entitlement } from '../../../core/licences/licence.ts';
import { seededRandom } from '../../../core/random/random.ts';
import type { UsageRecord } from '../../../core/sessions/session.ts';
import { nowhere } from '../../geoip/origin.ts';
import { WireGuardPeers } from '../../sensitive/wireguard-peers.ts';
import { LiveSessions } from '../../sessions/live.ts';
import { WireGuardAdapter, type WireGuardParts } from './adapter.os.ts';

const CHOICE = {
  gateway: 'a-1',
  location: 'a',
  name: 'a',
  address4: '198.51.100.1',
  address6: undefined,
  uplink: 'eth0',
};
const TUNNEL = planGateway(CHOICE).tunnels.wireguard;
const NOON = Date.parse('2026-11-21T12:00:00Z');

/** An auth file whose peers a test sets by number of host. */
class TestAuth implements AuthSource {
  current: AuthFile | undefined;
  readonly #listeners: (() => void)[] = [];
  readonly #clock: ManualClock;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  set(hosts: readonly number[], more: Partial<Entitlement> = {}): void {
    const expiresOn = (today(this.#clock) + 3) as EpochDay;
    const usageTag = '0123456789abcdef' as Entitlement['usageTag'];
    const entitlement = { licence: 1 as Entitlement['licence'], expiresOn, seats: 200, usageTag, ...more };
    const peers = hosts.map((host): Peer => ({ publicKey: keyOf(host), host, entitlement }));
    const byKey = new Map(peers.map((peer) => [hexOf(peer.host), peer]));
    this.current = {
      version: 1,
      login: () => undefined,
      name: () => undefined,
      peers: () => peers,
      peer: (bytes, start) => byKey.get(Buffer.from(bytes.subarray(start, start + 32)).toString('hex')),
    };
    for (const listener of this.#listeners) listener();
  }
}

function keyOf(host: number): Uint8Array {
  return seededRandom(`peer ${host}`).bytes(32);
}

function hexOf(host: number): string {
  return Buffer.from(keyOf(host)).toString('hex');
}

interface World {
  readonly clock: ManualClock;
  readonly auth: TestAuth;
  readonly daemon: FakeDaemon;
  readonly path: string;
  readonly journal: RecordingJournal;
  readonly sessions: LiveSessions;
  readonly usage: UsageRecord[];
  readonly origins: string[];
  readonly adapter: WireGuardAdapter;
  /** The daemon's peer of this host. */
  readonly peer: (host: number) => FakePeer;
  /** Lets the peer shake hands now, from an address. */
  readonly knock: (host: number, endpoint?: string) => void;
  readonly hosts: () => number[];
  /** Waits until two more surveys have begun, so that one has been done from beginning to end. */
  readonly surveyed: () => Promise<void>;
}

async function inWorld(scene: (world: World) => Promise<void>, more: Partial<WireGuardParts> = {}): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'lethe-wireguard-'));
  const path = join(directory, 'wg0.sock');
  const clock = new ManualClock(NOON);
  const [auth, daemon, journal] = [new TestAuth(clock), new FakeDaemon(), new RecordingJournal()];
  const usage: UsageRecord[] = [];
  const origins: string[] = [];
  const used = (record: UsageRecord) => usage.push(record);
  const sessions = new LiveSessions({ clock, random: seededRandom('sessions'), journal, used });
  const origin = {
    of(bytes: Uint8Array, start: number, length: number) {
      origins.push(Buffer.from(bytes.subarray(start, start + length)).toString('hex'));
      return { country: 'CH', isp: 'Example Net' };
    },
  };
  const parts = { sessions, auth, origin, journal, clock, socket: path, tunnel: TUNNEL };
  const adapter = new WireGuardAdapter({ ...parts, surveyEvery: 5, timeout: 200, ...more });
  const peer = (host: number) => daemon.peers.get(hexOf(host)) as FakePeer;
  try {
    await daemon.listen(path);
    await scene({
      clock,
      auth,
      daemon,
      path,
      journal,
      sessions,
      usage,
      origins,
      adapter,
      peer,
      knock(host, endpoint = '192.0.2.7:51000') {
        Object.assign(peer(host), { endpoint, seconds: Math.floor(clock.wall() / 1000), nanoseconds: 5 });
        peer(host).received += 1000;
      },
      hosts: () =>
        [...daemon.peers.values()].map((known) => Number(/\.(\d+)\.(\d+)\/32/.exec(known.allowedIps[0] ?? '')?.[2])),
      async surveyed() {
        const gets = () => daemon.requests.filter((head) => head === 'get').length;
        const before = gets();
        await waitUntil('two surveys have begun', () => gets() >= before + 2);
      },
    });
  } finally {
    await adapter.stop();
    await daemon.close();
    await rm(directory, { recursive: true });
  }
}

test('peers follow the auth file', async () => {
  await inWorld(async ({ auth, adapter, daemon, hosts, surveyed, peer }) => {
    daemon.peers.set('00'.repeat(32), {
      allowedIps: ['10.0.0.1/32'],
      seconds: 0,
      nanoseconds: 0,
      received: 0,
      sent: 0,
    });
    await adapter.start();
    assert.deepEqual(daemon.requests, [], 'without an auth file nothing is touched');
    auth.set([2, 3, 4]);
    await surveyed();
    assert.deepEqual(hosts(), [2, 3, 4]);
    assert.deepEqual(peer(2).allowedIps, ['100.64.0.2/32', 'fd6c:6574:6865:0004:0000:0000:0000:0002/128']);
    auth.set([3, 200]);
    await surveyed();
    assert.deepEqual(hosts(), [3, 200]);
    auth.set([3, 4_194_303]);
    await surveyed();
    assert.deepEqual(hosts(), [3], 'a host that the pool does not have');
    auth.set([3], { expiresOn: 0 as EpochDay });
    await surveyed();
    assert.deepEqual(hosts(), []);
  });
});

test('a peer with other inner addresses than its own is set right', async () => {
  await inWorld(async ({ auth, adapter, surveyed, peer }) => {
    auth.set([2]);
    await adapter.start();
    const right = [...peer(2).allowedIps];
    const wrong = [
      [],
      right.slice(0, 1),
      ['100.64.0.3/32', right[1] as string],
      [right[0] as string, 'fd6c:6574:6865:4::3/128'],
      [...right, '100.64.0.9/32'],
      [...right, '0.0.0.0/0'],
      ['100.64.0.0/24', right[1] as string],
      [right[0] as string, '::/0'],
    ];
    for (const allowedIps of wrong) {
      peer(2).allowedIps = allowedIps;
      await surveyed();
      await waitUntil('it is set right', () => peer(2)?.allowedIps.join() === right.join());
    }
  });
});

test('sessions begin with a handshake, tell their bytes and end with silence, whatever the address looks like', async () => {
  const endpoints = {
    '192.0.2.7:51000': 'c0000207',
    '[2001:db8::7]:51000': '20010db8000000000000000000000007',
    '[fe80::7%eth0]:51000': 'fe800000000000000000000000000007',
  };
  await inWorld(async ({ auth, adapter, clock, knock, peer, sessions, surveyed, usage, origins }) => {
    auth.set([2, 300]);
    await adapter.start();
    for (const [endpoint, bytes] of Object.entries(endpoints)) {
      knock(300, endpoint);
      await waitUntil('it is live', () => sessions.list().length === 1);
      assert.equal(origins.pop(), bytes);
      const [beat] = sessions.list();
      assert.equal(adapter.sessionAt(Uint8Array.of(0, 100, 64, 1, 44), 1, 4), beat?.session);
      const inner6 = Uint8Array.from([0xfd, 0x6c, 0x65, 0x74, 0x68, 0x65, 0, 4, 0, 0, 0, 0, 0, 0, 1, 44]);
      assert.equal(adapter.sessionAt(inner6, 0, 16), beat?.session);
      for (const other of [
        [100, 64, 0, 2],
        [100, 63, 255, 44],
        [100, 65, 1, 44],
        [99, 64, 1, 44],
      ])
        assert.equal(adapter.sessionAt(Uint8Array.from(other), 0, 4), undefined);
      peer(300).sent = 1_000_000;
      await surveyed();
      clock.advance(IDLE_AFTER);
      await waitUntil('it is over', () => usage.length === 1);
      assert.equal(usage.pop()?.totalBytes, 1_001_000);
      await waitUntil('it is forgotten', () => peer(300).endpoint === undefined);
    }
  });
});

test('the service ends a session at once, and the peer comes back after its time away', async () => {
  await inWorld(
    async ({ auth, adapter, clock, knock, sessions, hosts, usage }) => {
      auth.set([2]);
      await adapter.start();
      knock(2);
      auth.set([2]);
      await waitUntil('it is live', () => sessions.list().length === 1);
      sessions.endThese(
        sessions.list().map((beat) => beat.session),
        'seats',
      );
      await waitUntil('it is over', () => usage.length === 1 && hosts().length === 0);
      clock.advance(60_000);
      auth.set([2]);
      await waitUntil('it is back', () => hosts().length === 1);
    },
    { surveyEvery: 60_000 },
  );
});

test('a wall clock that is wrong for a while costs quiet peers their place only for that while', async () => {
  await inWorld(async ({ auth, adapter, clock, knock, sessions, hosts, usage }) => {
    auth.set([2, 3]);
    await adapter.start();
    knock(2);
    await waitUntil('it is live', () => sessions.list().length === 1);
    clock.jump(86_400_000 * 400);
    await waitUntil('only the live one is left', () => hosts().join() === '2');
    clock.jump(-86_400_000 * 400);
    await waitUntil('the quiet one is back', () => hosts().length === 2);
    assert.deepEqual([sessions.list().length, usage.length], [1, 0]);
  });
});

test('more peers than fit into one request are added, and removed, in several', async () => {
  const hosts = Array.from({ length: 1000 }, (_, index) => index + 2);
  await inWorld(async ({ auth, adapter, daemon }) => {
    auth.set(hosts);
    await adapter.start();
    assert.equal(daemon.peers.size, 1000);
    assert.ok(daemon.requests.filter((head) => head === 'set').length > 2);
    auth.set([]);
    await waitUntil('all are gone', () => daemon.peers.size === 0);
  });
});

test('an auth file that changes while peers are added is followed', async () => {
  const hosts = Array.from({ length: 1000 }, (_, index) => index + 2);
  await inWorld(async ({ auth, adapter, daemon }) => {
    auth.set(hosts);
    const started = adapter.start();
    await waitUntil('the first batch is in', () => daemon.peers.size > 0);
    auth.set([5]);
    await started;
    await waitUntil('only the new one is left', () => daemon.peers.size === 1);
  });
});

test('a daemon that hangs up, or says nothing, loses no session; one that is gone ends them all', async () => {
  await inWorld(async ({ auth, adapter, daemon, path, knock, sessions, journal, usage, hosts, surveyed }) => {
    auth.set([2]);
    await adapter.start();
    knock(2);
    await waitUntil('it is live', () => sessions.list().length === 1);
    for (const mischief of ['hang up', 'silence'] as const) {
      daemon.mischief = mischief;
      await surveyed();
      daemon.mischief = undefined;
      await surveyed();
    }
    assert.equal(sessions.list().length, 1);
    assert.deepEqual(journal.codes(), []);
    await daemon.close();
    await waitUntil('it is over', () => usage.length === 1);
    daemon.peers.clear();
    await waitUntil('the loss is said', () => journal.codes().includes('daemon_lost'));
    await daemon.listen(path);
    await waitUntil('the peer is back', () => hosts().length === 1);
    assert.deepEqual(journal.codes(), ['daemon_lost', 'daemon_found']);
  });
});

test('junk is said, and survived', async () => {
  const key = `public_key=${hexOf(2)}\n`;
  const junk = [
    '\n',
    'hello\n\n',
    '=\n',
    'x'.repeat(500),
    'public_key=zz\n',
    `public_key=${'z'.repeat(64)}\n`,
    `public_key=${'aZ'.repeat(32)}\n`,
    ...['', 'x', '192.0.2.7', '999.0.2.7:1', '[::1:1', '[zz]:1'].map((endpoint) => `${key}endpoint=${endpoint}\n`),
    ...['', '100.64.0.2', 'x/32', '100.64.0.2/', '100.64.0.2/x'].map((address) => `${key}allowed_ip=${address}\n`),
    ...['', '-1', 'x', '9'.repeat(20)].map((number) => `${key}rx_bytes=${number}\n`),
    `${key}tx_bytes=x\n`,
    `${key}last_handshake_time_sec=x\n`,
    `${key}last_handshake_time_nsec=x\n`,
    'errno=\n\n',
    'errno=0\nmore\n',
    'errno=0\n\nmore\n',
  ];
  await inWorld(async ({ auth, adapter, daemon, knock, sessions, journal }) => {
    auth.set([2]);
    await adapter.start();
    knock(2);
    await waitUntil('it is live', () => sessions.list().length === 1);
    for (const say of junk) {
      const before = journal.events.length;
      daemon.mischief = { say };
      await waitUntil(`it is said: ${JSON.stringify(say.slice(0, 100))}`, () => journal.events.length > before);
      daemon.mischief = undefined;
    }
    assert.deepEqual([...new Set(journal.codes())], ['daemon_spoke_junk']);
    knock(2);
    await waitUntil('it is still live', () => sessions.list().length === 1);
  });
});

test('a daemon that takes no more peers is reported', async () => {
  await inWorld(async ({ auth, adapter, daemon, journal, hosts }) => {
    daemon.refusal = 22;
    auth.set([2]);
    await adapter.start();
    assert.deepEqual(journal.events[0], { code: 'failed', program: 'wireguard', failure: 'peers_refused' });
    daemon.refusal = 0;
    await waitUntil('it takes it later', () => hosts().length === 1);
  });
});

test('a device that is full keeps what it has, and says once that there are more', async () => {
  await inWorld(
    async ({ auth, adapter, daemon, journal, hosts, surveyed }) => {
      auth.set([2, 3, 4, 5]);
      await adapter.start();
      assert.deepEqual(hosts(), [2, 3, 4]);
      const sets = () => daemon.requests.filter((head) => head === 'set').length;
      const before = sets();
      await surveyed();
      assert.equal(sets(), before);
      assert.deepEqual(journal.events, [{ code: 'failed', program: 'wireguard', failure: 'peers_refused' }]);
      auth.set([3, 4, 5]);
      await waitUntil('there is room again', () => hosts().join() === '3,4,5');
    },
    { most: 3 },
  );
});

test('a failure of our own while peers are read comes out, and what was read is wiped all the same', async () => {
  await inWorld(async ({ auth, adapter, path }) => {
    auth.set([2]);
    await adapter.start();
    const peers = new WireGuardPeers({ path, auth, origin: nowhere, pools: innerPools(TUNNEL) });
    await peers.connect();
    const fail = () => {
      throw new RangeError('ours');
    };
    await assert.rejects(peers.survey(fail), /ours/);
    assert.equal(await peers.survey(() => 'keep'), 'done');
    peers.close();
    assert.equal(await peers.survey(() => 'keep'), 'lost');
    auth.current = undefined;
    assert.equal(await peers.fill(() => true), 'done');
  });
});
