// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import * as reference from '../../../proof/labs/ikev2/radius-reference.ts';
import { ManualClock } from '../../core/clock/clock.ts';
import { seededRandom } from '../../core/random/random.ts';
import { nowhere } from '../geoip/origin.ts';
import { RadiusSocket } from './radius.os.ts';
import { RadiusServer } from './radius.ts';

const CLIENTS = 4;
const EACH = 60;

function server(): RadiusServer {
  return new RadiusServer({
    auth: {
      current: { version: 1, login: () => undefined, name: () => undefined, peers: () => [], peer: () => undefined },
      onChange: () => undefined,
    },
    gate: { admit: () => 'full', addresses: () => undefined },
    origin: nowhere,
    clock: new ManualClock(0),
    random: seededRandom('radius socket'),
    secret: reference.SECRET,
  });
}

/** Every third one is a name whose answer, a challenge, is longer than the others' rejection. */
function question(identifier: number): Buffer {
  if (identifier % 3 === 0)
    return reference.request({ identifier, attributes: reference.eapAttributes(reference.identity('nobody')) });
  return reference.request({ identifier, attributes: [reference.attribute(1, 'nobody')] });
}

test('many who ask at once each get their own answers, of whatever length', async () => {
  const socket = new RadiusSocket(server());
  const port = await socket.open('127.0.0.1', 0);
  const clients = Array.from({ length: CLIENTS }, () => createSocket({ type: 'udp4', recvBufferSize: 1 << 20 }));
  try {
    const asked = await Promise.all(
      clients.map(async (client) => {
        client.connect(port, '127.0.0.1');
        await once(client, 'connect');
        const questions = new Map(Array.from({ length: EACH }, (_, identifier) => [identifier, question(identifier)]));
        return { client, questions };
      }),
    );
    const codes: number[] = [];
    const answered = asked.map(
      ({ client, questions }) =>
        new Promise<void>((resolve) => {
          client.on('message', (bytes) => {
            const one = questions.get(bytes[1] as number);
            assert.ok(one !== undefined, 'an answer that nobody waits for');
            codes.push(reference.readReply(bytes, one).code);
            questions.delete(bytes[1] as number);
            if (questions.size === 0) resolve();
          });
        }),
    );
    for (let identifier = 0; identifier < EACH; identifier += 1) {
      for (const { client, questions } of asked) client.send(questions.get(identifier) as Buffer);
    }
    await Promise.all(answered);
    assert.equal(codes.filter((code) => code === 11).length, (CLIENTS * EACH) / 3);
    assert.equal(codes.filter((code) => code === 3).length, (CLIENTS * EACH * 2) / 3);
  } finally {
    for (const client of clients) client.close();
    socket.close();
  }
});
