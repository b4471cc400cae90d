// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { assert as check, property, uint8Array } from 'fast-check';
import { addressBytes } from '../../../src/bytes/text/address.ts';
import { openNamespace } from '../../../src/host/namespaces/namespace.os.ts';
import { answerQuestion, type Zone } from './dns.ts';
import { openInternet } from './internet.os.ts';
import { LAB } from './lab.os.ts';
import { fetchPage, startInternet } from './start.os.ts';

const ZONE: Zone = { name: LAB.zone, a: addressBytes(LAB.web4), aaaa: addressBytes(LAB.web6) };

/** One question, RFC 1035 section 4.1. */
function question(name: string, type = 1): Uint8Array {
  const labels = name.split('.').filter((label) => label !== '');
  const letters = labels.map((label) => String.fromCharCode(label.length) + label).join('');
  const header = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
  return Uint8Array.from([...header, ...Buffer.from(letters), 0, 0, type, 0, 1]);
}

test('every name below the zone has the addresses, any other has none', () => {
  const answer = (name: string, type?: number) => answerQuestion(question(name, type), ZONE);
  const four = answer(`WWW.${LAB.zone}`);
  assert.equal(four?.name, `www.${LAB.zone}`);
  assert.deepEqual([...(four?.packet.subarray(-4) ?? [])], [203, 0, 113, 80]);
  assert.deepEqual([...(answer(LAB.zone, 28)?.packet.subarray(-16) ?? [])], [...ZONE.aaaa]);
  const none = answer(`www.${LAB.zone}`, 16)?.packet as Uint8Array;
  assert.deepEqual([none[3], none[7]], [0x80, 0], 'no such record');
  const other = answer('www.example')?.packet as Uint8Array;
  assert.deepEqual([other[3], other[7]], [0x83, 0], 'no such name');
});

test('what is no question gets no answer', () => {
  const good = question(`www.${LAB.zone}`);
  for (const [at, byte] of [
    [2, 0x80],
    [2, 0x10],
    [5, 2],
    [12, 64],
    [12, 60],
  ] as const)
    assert.equal(answerQuestion(good.with(at, byte), ZONE), undefined, `${at} ${byte}`);
  for (let length = 0; length < good.length; length += 1)
    assert.equal(answerQuestion(good.subarray(0, length), ZONE), undefined);
  check(property(uint8Array({ maxLength: 300 }), (junk) => void answerQuestion(junk, ZONE)));
});

test('it serves in a namespace until it is told to end, and remembers what it was asked', async () => {
  const namespace = await openNamespace();
  try {
    const child = await startInternet(namespace);
    for (const extra of [[], ['+tcp']]) {
      const text = await namespace.run(['dig', '+short', '@127.0.0.1', `shop.${LAB.zone}`, ...extra]);
      assert.equal(text.trim(), LAB.web4);
    }
    await namespace.run(['sh', '-c', 'echo junk | timeout 0.2 nc -u -w1 127.0.0.1 53 || true']);
    assert.equal(await fetchPage(namespace, '127.0.0.1', '/any/path'), '127.0.0.1');
    assert.equal(await fetchPage(namespace, '::1'), '::1');
    assert.equal(await fetchPage(namespace, '127.0.0.1', '/', 81), undefined);
    const asked = [`shop.${LAB.zone}`, `shop.${LAB.zone}`];
    assert.deepEqual(JSON.parse((await fetchPage(namespace, '127.0.0.1', '/asked')) as string), asked);
    await assert.rejects(startInternet(namespace), /did not start/);
    assert.equal((await child.stop()).code, 0);
  } finally {
    await namespace.close();
  }
});

test('a caller who leaves in the middle harms nobody', async () => {
  const options = { http: 18_080, dns: 18_053, zone: LAB.zone, address4: LAB.web4, address6: LAB.web6 };
  const internet = await openInternet(options);
  try {
    for (const bytes of [Uint8Array.of(0), Uint8Array.of(0, 40, 1), Uint8Array.of(0, 2, 1, 1)]) {
      const socket = connect(options.dns, '127.0.0.1');
      await new Promise((resolve) => socket.once('connect', resolve));
      await new Promise((resolve) => socket.write(bytes, resolve));
      socket.resetAndDestroy();
    }
    const query = question(`late.${LAB.zone}`);
    const socket = connect(options.dns, '127.0.0.1');
    socket.end(Uint8Array.from([0, query.length, ...query]));
    const reply: Buffer[] = await socket.toArray();
    assert.equal(Buffer.concat(reply).readUInt16BE(0), Buffer.concat(reply).length - 2);
  } finally {
    await internet.close();
  }
});
