// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import {
  childSa,
  event,
  FakeCharon,
  framed,
  ikeSa,
  type Message,
  message,
} from '../../../proof/labs/ikev2/fake-charon.ts';
import { viciRequest } from '../../bytes/formats/vici.ts';
import { waitUntil } from '../../core/clock/until.ts';
import { seededRandom } from '../../core/random/random.ts';
import { ViciConnection, type ViciListener } from './vici.os.ts';
import { Frames, MAX_VICI_PACKET } from './vici-frames.ts';
import { SaEvent } from './vici-sa.ts';

function read(fields: Message): SaEvent {
  const event = new SaEvent();
  const bytes = message(fields);
  assert.ok(event.read(bytes, 0, bytes.length));
  return event;
}

test('an event gives the number of the IKE_SA and the bytes of its CHILD_SAs', () => {
  const fields = { up: 'yes', lethe: ikeSa(12, { 'tunnel-3': childSa(3, 100, 23), 'tunnel-4': childSa(4, 7, 0) }) };
  const sa = read(fields);
  assert.ok(sa.up && sa.established);
  assert.equal(sa.ikeSa, 12);
  assert.equal(sa.replaced, 0);
  assert.equal(sa.childCount, 2);
  assert.deepEqual([...sa.childSas.subarray(0, 2)], [3, 4]);
  assert.deepEqual([...sa.childBytes.subarray(0, 2)], [123, 7]);
  const bytes = message(fields);
  const text = (start: number, end: number) => bytes.subarray(start, end).toString();
  assert.equal(text(sa.identityStart, sa.identityEnd), 'alice');
  assert.equal(text(sa.remoteStart, sa.remoteEnd), '203.0.113.9');
  assert.equal(text(sa.innerStart, sa.innerEnd), '10.64.128.7');
  sa.wipe();
  assert.deepEqual(sa, new SaEvent());
});

test('replaced SAs are told apart from the new ones', () => {
  const ike = read({ lethe: { old: ikeSa(1), new: ikeSa(2) } });
  assert.deepEqual([ike.replaced, ike.ikeSa], [1, 2]);
  const children = { 'tunnel-5': { old: childSa(5, 10, 0), new: childSa(6, 0, 0) } };
  const child = read({ lethe: ikeSa(7, children) });
  assert.equal(child.ikeSa, 7);
  assert.deepEqual([...child.childSas.subarray(0, 2)], [5, 6]);
  assert.deepEqual([...child.childReplaced.subarray(0, 2)], [1, 0]);
});

test('an IKE_SA on its way, numbers that are none, and more CHILD_SAs than there can be', () => {
  assert.equal(read({ lethe: ikeSa(1, {}, { state: 'CONNECTING' }) }).established, false);
  assert.equal(read({ lethe: { uniqueid: '12x' } }).ikeSa, 0);
  assert.equal(read({ lethe: { uniqueid: '9'.repeat(400) } }).ikeSa, 0);
  const many = Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`t${i}`, childSa(i + 1, 1, 1)]));
  assert.equal(read({ lethe: ikeSa(1, many) }).childCount, 64);
});

test('messages that are not well formed are refused', () => {
  const section = [1, 1, 0x61];
  const bad: readonly (readonly number[])[] = [
    [0],
    [7],
    [2],
    section,
    [3],
    [3, 1],
    [3, 1, 0x61],
    [3, 1, 0x61, 0],
    [3, 1, 0x61, 0, 2, 0x62],
    [1, 9, 0x61],
    [5, 0, 0],
    [6],
    [4, 1, 0x61],
    [4, 1, 0x61, 3, 1, 0x61, 0, 0],
    [4, 1, 0x61, 5, 0],
    Array.from({ length: 9 }, () => section).flat(),
  ];
  for (const bytes of bad) {
    assert.equal(new SaEvent().read(Uint8Array.from(bytes), 0, bytes.length), false, bytes.join(' '));
  }
});

test('300 000 altered events are read without a throw and only within their bounds', () => {
  const random = seededRandom('vici junk');
  const good = message({
    up: 'yes',
    lethe: ikeSa(12, { 'tunnel-3': { old: childSa(3, 1, 2), new: childSa(4, 3, 4) } }),
  });
  const bytes = new Uint8Array(good.length);
  const sa = new SaEvent();
  let sound = 0;
  for (let i = 0; i < 300_000; i += 1) {
    bytes.set(good);
    const chance = i % 1000 === 0 ? random.bytes(bytes.length) : random.bytes(8);
    if (chance.length > 8) bytes.set(chance);
    bytes[(((chance[0] as number) << 8) | (chance[1] as number)) % bytes.length] = chance[2] as number;
    bytes[(((chance[3] as number) << 8) | (chance[4] as number)) % bytes.length] = (chance[5] as number) % 8;
    const end = (chance[6] as number) < 32 ? (chance[7] as number) : bytes.length;
    if (sa.read(bytes, 0, end)) sound += 1;
    for (const position of [sa.identityEnd, sa.remoteEnd, sa.innerEnd]) assert.ok(position <= end);
    sa.wipe();
  }
  assert.ok(sound > 1000 && sound < 250_000, String(sound));
});

test('packets are cut out of the stream wherever it is torn, and wiped', () => {
  const stream = Buffer.concat([event('list-sa', { a: 'b' }), framed(1), event('ike-updown', { c: 'd'.repeat(500) })]);
  for (const size of [1, 2, 3, 7, 100, stream.length]) {
    const frames = new Frames();
    const got: Buffer[] = [];
    for (let at = 0; at < stream.length; at += size) {
      const piece = new Uint8Array(size);
      piece.set(stream.subarray(at, at + size));
      const length = Math.min(size, stream.length - at);
      const kept = frames.take(
        piece,
        length,
        (bytes, start, end) => got.push(Buffer.from(bytes.slice(start, end))) > 0,
      );
      assert.ok(kept);
      assert.ok(piece.every((byte) => byte === 0));
    }
    assert.deepEqual(Buffer.concat(got.flatMap((one) => [framed(one[0] as number, one.subarray(1))])), stream);
  }
});

test('a packet that is empty or longer than charon sends is refused, and one of the longest is taken', () => {
  const take = (bytes: Uint8Array) => new Frames().take(bytes, bytes.length, () => true);
  assert.equal(take(Uint8Array.of(0, 0, 0, 0)), false);
  assert.equal(take(Uint8Array.of(0, 8, 0, 1)), false);
  assert.equal(take(Uint8Array.of(255, 255, 255, 255)), false);
  assert.equal(take(framed(1, new Uint8Array(MAX_VICI_PACKET - 1))), true);
  assert.equal(
    new Frames().take(framed(1), 5, () => false),
    false,
  );
});

test('requests are encoded as charon reads them', () => {
  assert.deepEqual(
    Buffer.from(viciRequest(0, 'terminate', { 'ike-id': 12 })),
    framed(0, Buffer.from([9]), Buffer.from('terminate'), message({ 'ike-id': '12' })),
  );
});

class Recorder implements ViciListener {
  readonly heard: string[] = [];
  lostWith: boolean[] = [];

  event(name: string, sa: SaEvent): void {
    this.heard.push(`${name} ${sa.ikeSa}`);
  }

  lost(junk: boolean): void {
    this.lostWith.push(junk);
  }
}

async function withCharon(run: (charon: FakeCharon, path: string, recorder: Recorder) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-vici-'));
  const charon = new FakeCharon();
  try {
    await charon.listen(join(directory, 'vici'));
    await run(charon, join(directory, 'vici'), new Recorder());
  } finally {
    await charon.close();
    rmSync(directory, { recursive: true });
  }
}

test('a connection asks for all events, lists, ends and tells', async () => {
  await withCharon(async (charon, path, recorder) => {
    charon.sas = [ikeSa(4), ikeSa(5)];
    const connection = await ViciConnection.open(path, recorder);
    await connection.listSas();
    assert.deepEqual(recorder.heard, ['list-sa 4', 'list-sa 5']);
    await connection.terminate(5);
    assert.deepEqual(charon.terminated, [5]);
    charon.tell(event('ike-updown', { up: 'yes', lethe: ikeSa(6) }));
    await waitUntil('three events are heard', () => recorder.heard.length === 3);
    assert.equal(recorder.heard[2], 'ike-updown 6');
    connection.close();
    await connection.listSas();
    await delay(20);
    assert.deepEqual(recorder.lostWith, []);
  });
});

test('when charon goes, whoever waits is released and told once', async () => {
  await withCharon(async (charon, path, recorder) => {
    const connection = await ViciConnection.open(path, recorder);
    const listed = connection.listSas();
    await charon.close();
    await listed;
    await waitUntil('the connection is lost', () => recorder.lostWith.length > 0);
    connection.close();
    assert.deepEqual(recorder.lostWith, [false]);
  });
});

test('a charon that is not there, or goes before it has agreed, is not lost', async () => {
  await withCharon(async (charon, path, recorder) => {
    await assert.rejects(ViciConnection.open(`${path}.absent`, recorder), /ENOENT/);
    charon.silent = true;
    const opening = assert.rejects(ViciConnection.open(path, recorder), /went away/);
    await waitUntil('charon is asked', () => charon.asked.length > 0);
    await charon.close();
    await opening;
    await delay(20);
    assert.deepEqual(recorder.lostWith, []);
  });
});

test('what is not vici ends the connection', async () => {
  const junk: readonly Uint8Array[] = [
    Uint8Array.of(0, 0, 0, 0),
    framed(9),
    framed(1),
    framed(7),
    framed(7, Uint8Array.of(5, 0x61)),
    event('unheard-of', {}),
    framed(7, Uint8Array.of(7), Buffer.from('list-sa'), Uint8Array.of(99)),
    Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
  ];
  for (const bytes of junk) {
    await withCharon(async (charon, path, recorder) => {
      await ViciConnection.open(path, recorder);
      charon.tell(bytes);
      await waitUntil('the connection is lost', () => recorder.lostWith.length > 0);
      assert.deepEqual(recorder.lostWith, [true], Buffer.from(bytes).toString('hex'));
      assert.deepEqual(recorder.heard, []);
    });
  }
});
