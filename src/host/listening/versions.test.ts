// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { connect as connectTls, type SecureVersion } from 'node:tls';
import { TestAuthority } from '../../../proof/labs/authority/authority.ts';
import { waitUntil } from '../../core/clock/until.ts';
import { type Listening, listenHttps } from './listening.os.ts';

let listening: Listening;
let ca: string;
before(async () => {
  const authority = await TestAuthority.create();
  ca = authority.certificate;
  const { certificate: cert, key } = await authority.server('control.lethe.test', ['127.0.0.1']);
  const crowd = { perSource: 1, strangers: 1024, known: () => new Set<string>() };
  listening = await listenHttps({ address: '127.0.0.1', port: 0, tls: { cert, key }, crowd }, (_, response) =>
    response.end('answered'),
  );
});
after(() => listening.close());

/** The version that is agreed upon with a client that knows no newer one, and the way to hang up; undefined for none. */
async function agreed(maxVersion: SecureVersion) {
  const port = Number(new URL(listening.url).port);
  const socket = connectTls({ host: '127.0.0.1', port, ca, servername: 'control.lethe.test', maxVersion });
  const gone = once(socket, 'close').catch(() => undefined);
  const ready = await Promise.race([
    once(socket, 'secureConnect').then(
      () => true,
      () => false,
    ),
    gone.then(() => false),
  ]);
  const close = async () => {
    socket.destroy();
    await gone;
  };
  if (!ready) await close();
  return ready ? { version: socket.getProtocol(), close } : undefined;
}

/** As soon as the server has seen that the place is free. */
async function entered() {
  return await waitUntil('there is a place', () => agreed('TLSv1.3'));
}

test('only TLS 1.3 is spoken', async () => {
  assert.equal(await agreed('TLSv1.2'), undefined);
  const spoken = await entered();
  assert.equal(spoken.version, 'TLSv1.3');
  await spoken.close();
});

test('who has all the places of a source gets no other, and one again when one is left', async () => {
  const first = await entered();
  assert.equal(await agreed('TLSv1.3'), undefined);
  await first.close();
  const again = await entered();
  await again.close();
});
