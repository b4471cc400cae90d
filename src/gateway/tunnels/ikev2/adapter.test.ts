// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { childSa, event, FakeCharon, framed, ikeSa } from '../../../../proof/labs/ikev2/fake-charon.ts';
import * as radius from '../../../../proof/labs/ikev2/radius-reference.ts';
import { freeUdpPort } from '../../../../proof/labs/network/port.os.ts';
import { RecordingSessions } from '../../../../proof/labs/sessions/recording.ts';
import type { AuthFile, AuthSource } from '../../../contracts/authfile/authfile.ts';
import { planGateway } from '../../../contracts/plan/plan.ts';
import { type EpochDay, systemClock } from '../../../core/clock/clock.ts';
import { waitUntil } from '../../../core/clock/until.ts';
import { RecordingJournal } from '../../../core/journal/journal.ts';
import type { Entitlement, LicenceId, UsageTag } from '../../../core/licences/licence.ts';
import { systemRandom } from '../../../core/random/random.ts';
import { nowhere } from '../../geoip/origin.ts';
import { Ikev2Adapter } from './adapter.os.ts';

const ENTITLEMENT: Entitlement = {
  licence: 1 as LicenceId,
  expiresOn: 90_000 as EpochDay,
  seats: 5,
  usageTag: '0123456789abcdef' as UsageTag,
};

/** Holds one name, `alice`. */
class SmallAuthFile implements AuthFile {
  readonly version = 1;

  login() {
    return ENTITLEMENT;
  }

  name(bytes: Uint8Array, start: number, end: number) {
    const name = Buffer.from(bytes.subarray(start, end)).toString();
    return name === 'alice' ? { entitlement: ENTITLEMENT, ntHash: new Uint8Array(16) } : undefined;
  }

  peers() {
    return [];
  }

  peer() {
    return undefined;
  }
}

class SettableAuth implements AuthSource {
  current: AuthFile | undefined;
  readonly #listeners: (() => void)[] = [];

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  set(file: AuthFile): void {
    this.current = file;
    for (const listener of this.#listeners) listener();
  }
}

interface Bench {
  readonly charon: FakeCharon;
  readonly path: string;
  readonly auth: SettableAuth;
  readonly sessions: RecordingSessions;
  readonly journal: RecordingJournal;
  readonly port: number;
  readonly adapter: Ikev2Adapter;
}

async function withAdapter(run: (bench: Bench) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-ikev2-'));
  const path = join(directory, 'vici');
  const auth = new SettableAuth();
  const sessions = new RecordingSessions();
  const journal = new RecordingJournal();
  const port = await freeUdpPort();
  const choice = { gateway: 'x', location: 'x', name: 'x', address4: '', address6: undefined, uplink: 'x' };
  const adapter = new Ikev2Adapter({
    sessions,
    auth,
    origin: nowhere,
    journal,
    clock: systemClock,
    random: systemRandom,
    plan: planGateway(choice),
    secret: radius.SECRET,
    viciSocket: path,
    radius: { address: '127.0.0.1', port },
    times: { list: 30, sweep: 20, retry: 20 },
  });
  const charon = new FakeCharon();
  try {
    await run({ charon, path, auth, sessions, journal, port, adapter });
  } finally {
    adapter.stop();
    await charon.close();
    rmSync(directory, { recursive: true });
  }
}

/** Sends one packet and gives what comes back, or undefined after `patience` milliseconds. */
async function asked(port: number, packet: Buffer, patience = 60_000): Promise<Buffer | undefined> {
  const socket: Socket = createSocket('udp4');
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve) => {
      socket.on('message', resolve);
      socket.on('error', () => resolve(undefined));
      socket.send(packet, port, '127.0.0.1');
      timer = setTimeout(() => resolve(undefined), patience);
    });
  } finally {
    clearTimeout(timer);
    socket.close();
  }
}

/** Whether nothing comes back within a quarter of a second. */
async function unanswered(port: number, packet: Buffer): Promise<boolean> {
  return (await asked(port, packet, 250)) === undefined;
}

const PAP = radius.request({
  attributes: [radius.attribute(1, 'alice'), radius.coveredPassword('x', Buffer.alloc(16))],
});

test('it serves when charon and an auth file are there, whichever comes first', async () => {
  await withAdapter(async ({ charon, path, auth, journal, port, adapter }) => {
    await adapter.start();
    assert.deepEqual(journal.codes(), ['daemon_lost']);
    await charon.listen(path);
    await waitUntil('charon is found', () => journal.codes().includes('daemon_found'));
    assert.equal(adapter.serving, false);
    assert.ok(await unanswered(port, PAP));
    auth.set(new SmallAuthFile());
    auth.set(new SmallAuthFile());
    await waitUntil('it serves', () => adapter.serving);
    const reply = await asked(port, PAP);
    assert.equal(reply?.[0], 2);
    assert.ok(await unanswered(port, Buffer.from('junk')));
  });
});

test('hundreds of packets in a moment are all answered', async () => {
  await withAdapter(async ({ charon, path, auth, port, adapter }) => {
    auth.set(new SmallAuthFile());
    await charon.listen(path);
    await adapter.start();
    const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 });
    let answers = 0;
    socket.on('message', () => {
      answers += 1;
    });
    for (let i = 0; i < 300; i += 1) socket.send(PAP, port, '127.0.0.1');
    try {
      await waitUntil('every packet is answered', () => answers === 300);
    } finally {
      socket.close();
    }
  });
});

test('it takes over what charon carries, ends what may not go on, and leaves alone what is on its way', async () => {
  await withAdapter(async ({ charon, path, auth, sessions, adapter }) => {
    auth.set(new SmallAuthFile());
    charon.sas = [
      ikeSa(1, { a: childSa(1, 5, 6) }),
      ikeSa(2, {}, { 'remote-eap-id': 'mallory', 'remote-vips': ['10.64.128.9'] }),
      ikeSa(3, {}, { state: 'CONNECTING' }),
      ikeSa(4, {}, { 'remote-vips': ['192.0.2.9'] }),
      ikeSa(5, {}, { 'remote-vips': [] }),
      ikeSa(6, {}, { 'remote-host': '2001:db8::9' }),
    ];
    await charon.listen(path);
    await adapter.start();
    assert.ok(adapter.serving);
    // A list counts at once, and the next one may have come since.
    assert.deepEqual(sessions.calls.slice(0, 3), ['admit', 's1 11', 's1 established']);
    await waitUntil('three are ended', () => charon.terminated.length >= 3);
    assert.deepEqual(charon.terminated.slice(0, 3), [2, 4, 5]);
    assert.equal(adapter.sessionAt(Uint8Array.of(10, 64, 128, 7), 0, 4), 's1');
    assert.equal(adapter.sessionAt(Uint8Array.of(10, 64, 128, 8), 0, 4), undefined);
  });
});

test('it follows what charon tells, and counts at each list', async () => {
  await withAdapter(async ({ charon, path, auth, sessions, adapter }) => {
    auth.set(new SmallAuthFile());
    charon.sas = [ikeSa(1, { a: childSa(1, 0, 0) })];
    await charon.listen(path);
    await adapter.start();
    charon.sas = [ikeSa(1, { a: childSa(1, 100, 0) })];
    sessions.ends[0]?.('revoked');
    await waitUntil('it is told to end the session', () => charon.terminated.includes(1));
    await waitUntil('bytes are counted', () => sessions.calls.includes('s1 100'));
    const children = { a: { old: childSa(1, 150, 0), new: childSa(2, 0, 0) } };
    charon.sas = [];
    charon.tell(
      event('child-rekey', { lethe: ikeSa(1, children) }),
      event('ike-rekey', { lethe: { old: ikeSa(1), new: ikeSa(9) } }),
      event('child-updown', { up: 'yes', lethe: ikeSa(9, { a: childSa(2, 7, 0) }) }),
      event('ike-updown', { lethe: ikeSa(9) }),
      event('child-updown', { lethe: ikeSa(9, { a: childSa(2, 8, 0) }) }),
    );
    await waitUntil('the session ends', () => sessions.calls.includes('s1 ended 158'));
  });
});

test('when charon goes, its sessions end, and the next one is served', async () => {
  await withAdapter(async ({ charon, path, auth, sessions, journal, port, adapter }) => {
    auth.set(new SmallAuthFile());
    charon.sas = [ikeSa(1, { a: childSa(1, 5, 6) })];
    await charon.listen(path);
    await adapter.start();
    await charon.close();
    await waitUntil('the session ends', () => sessions.calls.includes('s1 ended 11'));
    assert.equal(adapter.serving, false);
    assert.ok(await unanswered(port, PAP));
    const next = new FakeCharon();
    await next.listen(path);
    try {
      await waitUntil('the next is served', () => adapter.serving);
    } finally {
      adapter.stop();
      await next.close();
    }
    assert.deepEqual(journal.codes(), ['daemon_lost', 'daemon_found']);
  });
});

test('charon that speaks junk is left and said once, without a word of what it spoke', async () => {
  await withAdapter(async ({ charon, path, auth, journal, adapter }) => {
    auth.set(new SmallAuthFile());
    await charon.listen(path);
    await adapter.start();
    charon.tell(framed(9, Buffer.from('alice 203.0.113.9')));
    await waitUntil('it is left', () => journal.codes().includes('daemon_spoke_junk'));
    await waitUntil('it is tried again', () => adapter.serving);
    assert.deepEqual(journal.events[0], { code: 'daemon_spoke_junk', daemon: 'charon' });
  });
});

test('a port that is taken is said once, and taken when it is free', async () => {
  await withAdapter(async ({ charon, path, auth, journal, port, adapter }) => {
    const thief = createSocket('udp4');
    await new Promise<void>((resolve) => {
      thief.bind(port, '127.0.0.1', resolve);
    });
    try {
      auth.set(new SmallAuthFile());
      await charon.listen(path);
      await adapter.start();
      assert.equal(adapter.serving, false);
      await delay(60);
    } finally {
      thief.close();
    }
    await waitUntil('the port is free', () => adapter.serving);
    assert.equal((await asked(port, PAP))?.[0], 2);
    assert.deepEqual(journal.events, [{ code: 'failed', program: 'gateway', failure: 'radius_port_taken' }]);
  });
});

test('stopped while it is reaching for charon, it lets go', async () => {
  await withAdapter(async ({ charon, path, journal, adapter }) => {
    await charon.listen(path);
    const started = adapter.start();
    adapter.stop();
    await started;
    assert.equal(adapter.serving, false);
    assert.deepEqual(journal.codes(), []);
  });
});
