// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { connect as connectPlain } from 'node:net';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { openTraffic } from './traffic.os.ts';

test('the relay passes both directions on and keeps them decoded', async () => {
  const traffic = await openTraffic();
  try {
    assert.equal(await traffic.say('first body'), 'taken');
    assert.equal(await traffic.say('second body'), 'taken');
    const recorded = Buffer.from(traffic.relay.recorded()).toString();
    for (const part of ['POST / HTTP/1.1', 'first body', 'second body', 'HTTP/1.1 200 OK', 'taken']) {
      assert.ok(recorded.includes(part), part);
    }
  } finally {
    await traffic.close();
  }
});

test('without control, whoever asks is turned away, and the relay lives on', async () => {
  const traffic = await openTraffic();
  try {
    traffic.loseControl();
    await assert.rejects(traffic.say('nobody there'));
    await assert.rejects(traffic.say('still nobody'));
  } finally {
    await traffic.close();
  }
});

test('who breaks off or speaks no TLS does no harm', async () => {
  const traffic = await openTraffic();
  try {
    const plain = connectPlain(traffic.relay.port, '127.0.0.1');
    plain.on('error', () => undefined).end('GET / HTTP/1.1\r\n\r\n');
    await new Promise((resolve) => plain.once('close', resolve));
    const below = connectPlain(traffic.relay.port, '127.0.0.1');
    const broken = connect({ socket: below, ca: traffic.ca, servername: 'control.example' });
    broken.on('error', () => undefined);
    await new Promise((resolve) => broken.once('secureConnect', resolve));
    below.resetAndDestroy();
    assert.equal(await traffic.say('after that'), 'taken');
  } finally {
    await traffic.close();
  }
});
