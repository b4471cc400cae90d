// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { markedAddress, patternsOf, randomAddress4, randomWord } from '../../../../proof/hunt/marker.ts';
import { Matcher } from '../../../../proof/hunt/matcher.ts';
import { searchMemory } from '../../../../proof/hunt/memory.os.ts';
import { Tally } from '../../../../proof/hunt/place.ts';
import { type Ikev2Lab, openIkev2Lab } from '../../../../proof/labs/ikev2/lab.os.ts';
import { render } from '../../../contracts/plan/firewall/render.ts';
import { GATEWAY_FILES, IMAGE_USERS } from '../../../contracts/plan/plan.ts';
import { systemRandom } from '../../../core/random/random.ts';
import { place } from '../../../host/namespaces/place.os.ts';
import { raiseFirewall } from '../firewall/start.os.ts';

const SPIS = `${'11'.repeat(8)}${'00'.repeat(8)}`;
/** Datagrams that are no message of IKEv2 (RFC 7296, section 3.1): port, and the content in hex. */
const JUNK: Readonly<Record<string, readonly [port: number, hex: string]>> = {
  'another version': [500, `${SPIS}21d72208000000000000001c`],
  'another version, behind a NAT': [4500, `00000000${SPIS}21d72208000000000000001c`],
  'a request for a page': [500, Buffer.from('GET / HTTP/1.1\r\nHost: gw.example\r\n\r\n').toString('hex')],
  'an unknown exchange': [500, `${SPIS}2120f008000000000000001c`],
  'no SPI': [500, `${'00'.repeat(16)}21202208000000000000001c`],
  zeros: [500, '00'.repeat(64)],
  'zeros, behind a NAT': [4500, '00'.repeat(64)],
  'a byte too few': [500, `${SPIS}212022080000000000001c`],
  'a byte': [500, '11'],
};

/** Sends it from an address of its own, and gives how often charon's memory has that address then. */
async function knock({ gateway, clients, charon, plan }: Ikev2Lab, what: string): Promise<number> {
  const [, stranger = assert.fail()] = clients;
  const [port, hex] = JUNK[what] ?? assert.fail();
  const address = randomAddress4(systemRandom);
  await stranger.run(['ip', 'address', 'add', `${address}/32`, 'dev', 'eth0']);
  await gateway.run(['ip', 'route', 'replace', address, 'dev', plan.uplink]);
  const send = `const socket = require('node:dgram').createSocket('udp4').bind(0, '${address}', () => send(20));
    const send = (times) => times === 0 ? socket.close() :
      socket.send(Buffer.from('${hex}', 'hex'), ${port}, '${plan.address4}', () => setTimeout(send, 10, times - 1));`;
  await stranger.run([process.execPath, '-e', send]);
  await delay(500);
  const tally = new Tally(new Matcher(patternsOf(markedAddress('address', address))));
  assert.equal(searchMemory(charon?.pid ?? assert.fail(), tally), 'searched');
  return tally.hits().reduce((count, hit) => count + hit.count, 0);
}

test('what is not IKEv2 does not reach charon, which would keep the address of who sent it', async (context) => {
  const customer = { username: randomWord(systemRandom), password: randomWord(systemRandom) };
  const lab = await openIkev2Lab({ customers: [customer], clients: 2, wiping: true });
  try {
    await lab.startCharon();
    await lab.startAgent();
    const open = await knock(lab, 'another version');
    assert.ok(open > 0, 'without the rules it is found');
    context.diagnostic(`without the rules, ${open} copies of an address`);

    const plan = { ...lab.plan, users: { ...IMAGE_USERS, charon: 0 } };
    for (const file of render(plan)) place(lab.gateway, `${GATEWAY_FILES.directory}/${file.name}`, file.content);
    await raiseFirewall(lab.gateway, plan, GATEWAY_FILES.directory);
    for (const what of Object.keys(JUNK)) assert.equal(await knock(lab, what), 0, what);

    await lab.startClient(0, customer.username, customer.password);
    assert.match(await lab.connect(0), /completed successfully/);
    await lab.disconnect(0);
  } finally {
    await lab.close();
  }
});
