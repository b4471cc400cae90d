// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { request } from 'node:https';
import { after, before, test } from 'node:test';
import { TestAuthority } from '../../proof/labs/authority/authority.ts';
import { LONGEST } from '../contracts/activation/messages.ts';
import type { Listening } from '../host/listening/listening.os.ts';
import { serveActivator } from './serve.os.ts';

let listening: Listening;
let authority: string;
const heard: (number | undefined)[] = [];

before(async () => {
  const made = await TestAuthority.create();
  authority = made.certificate;
  const { certificate: cert, key } = await made.server('localhost', ['127.0.0.1']);
  const at = { address: '127.0.0.1', port: 0 };
  listening = await serveActivator(
    at,
    { cert, key },
    () => new Set(),
    async (_method, _path, body) => {
      heard.push(body?.length);
      return { status: body === undefined ? 413 : 200, body: '{}' };
    },
  );
});
after(() => listening.close());

async function posted(length: number): Promise<number | undefined> {
  return await new Promise((resolve, reject) => {
    const asking = request(
      `${listening.url}/v1/evidence`,
      { method: 'POST', ca: authority, agent: false },
      (response) => {
        response.resume();
        resolve(response.statusCode);
      },
    );
    asking.once('error', reject);
    asking.end('a'.repeat(length));
  });
}

test('a message is read up to the longest that a machine sends, and not beyond', async () => {
  assert.equal(await posted(LONGEST.toActivator), 200);
  assert.equal(await posted(LONGEST.toActivator + 1), 413);
  assert.deepEqual(heard, [LONGEST.toActivator, undefined]);
});
