// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as check, nat, property, uint8Array } from 'fast-check';
import { word } from '../../bytes/text/scan.ts';
import { type InnerPools, innerByte } from '../../core/sessions/inner.ts';
import { UapiRequest } from './uapi.ts';
import { UapiReply } from './uapi-reply.ts';

const POOLS: InnerPools = {
  base4: Uint8Array.of(10, 64, 192, 0),
  base6: Uint8Array.of(0xfd, 0x6c, 0x65, 0x74, 0x68, 0x65, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0),
  hosts: 16_383,
};
const KEY = Uint8Array.from({ length: 32 }, (_, index) => index * 8);
const HEX = Buffer.from(KEY).toString('hex');

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

/** Reads a reply in pieces of the given length and gives what was said about each peer. */
function read(reply: string, piece = reply.length) {
  const seen: unknown[] = [];
  const reader = new UapiReply(() => {
    const { key, endpoint, endpointLength, seconds, nanoseconds, received, sent } = reader.peer;
    seen.push({
      key: text(key),
      endpoint: [...endpoint.subarray(0, endpointLength)],
      time: [seconds, nanoseconds],
      bytes: [received, sent],
      host: [2, 3].find((host) => reader.peer.isHost(POOLS, host)),
    });
  });
  for (let at = 0; at < reply.length; at += piece) {
    const bytes = word(reply.slice(at, at + piece));
    reader.feed(bytes, bytes.length);
  }
  return { seen, reader };
}

const REPLY = [
  `private_key=${'ab'.repeat(32)}`,
  'listen_port=51820',
  `public_key=${HEX}`,
  'endpoint=192.0.2.7:51000',
  'last_handshake_time_sec=1795255200',
  'last_handshake_time_nsec=123456789',
  'tx_bytes=1000',
  'rx_bytes=20',
  'persistent_keepalive_interval=0',
  'allowed_ip=10.64.192.2/32',
  'allowed_ip=fd6c:6574:6865:4::2/128',
  'protocol_version=1',
  `public_key=${'ff'.repeat(32)}`,
  'allowed_ip=10.64.192.3/32',
  'errno=0',
  '\n',
].join('\n');

test('a reply is read the same in pieces of any length', () => {
  const whole = read(REPLY);
  assert.equal(whole.reader.state, 'done');
  assert.deepEqual(whole.seen, [
    {
      key: text(KEY),
      endpoint: [192, 0, 2, 7],
      time: [1_795_255_200, 123_456_789],
      bytes: [20, 1000],
      host: 2,
    },
    {
      key: '\u00ff'.repeat(32),
      endpoint: [],
      time: [0, 0],
      bytes: [0, 0],
      host: undefined,
    },
  ]);
  for (const piece of [1, 2, 7, 64, 100]) assert.deepEqual(read(REPLY, piece).seen, whole.seen);
});

test('what the daemon refuses is known by its number', () => {
  const { reader } = read('errno=-22\n\n');
  assert.deepEqual([reader.state, reader.errno], ['done', 22]);
  reader.wipe();
  assert.deepEqual([reader.state, reader.errno], ['open', 0]);
});

test('a key comes in lower case, and in upper case it is junk', () => {
  assert.equal(read(`public_key=${'af'.repeat(32)}\nerrno=0\n\n`).reader.state, 'done');
  assert.equal(read(`public_key=${'af'.repeat(31)}aF\nerrno=0\n\n`).reader.state, 'junk');
  assert.equal(read(`public_key=${'af'.repeat(31)}Af\nerrno=0\n\n`).reader.state, 'junk');
});

test('a key has 64 digits, and a line an end', () => {
  for (const digits of [62, 63, 65, 66])
    assert.equal(read(`public_key=${'a'.repeat(digits)}\nerrno=0\n\n`).reader.state, 'junk', `${digits} digits`);
  const line = (length: number) => `${'x'.repeat(length - 2)}=1`;
  assert.equal(read(`${line(160)}\nerrno=0\n\n`).reader.state, 'done');
  assert.equal(read(`${line(161)}\nerrno=0\n\n`).reader.state, 'junk');
});

test('a peer is a host only with the two addresses of it, whole, and with no other', () => {
  const [four, six] = ['allowed_ip=10.64.192.2/32', 'allowed_ip=fd6c:6574:6865:4::2/128'];
  const host = (...lines: string[]) =>
    read([`public_key=${HEX}`, ...lines, 'errno=0', '\n'].join('\n')).seen.map(
      (peer) => (peer as { host?: number }).host,
    );
  assert.deepEqual(host(four, six), [2]);
  assert.deepEqual(host(six, four), [2]);
  for (const lines of [
    [],
    [four],
    [six],
    [four, four, six],
    [four, six, six],
    [four, six, 'allowed_ip=0.0.0.0/0'],
    [four, six, 'allowed_ip=::/0'],
    [four.replace('/32', '/24'), six],
    [four, six.replace('/128', '/64')],
    [four.replace('.2/', '.3/'), six],
    [four, six.replace('::2', '::3')],
  ])
    assert.deepEqual(host(...lines), [undefined], lines.join());
});

test('junk ends the reading and never throws', () => {
  check(
    property(uint8Array({ maxLength: 2000 }), (bytes) => {
      const reader = new UapiReply(() => undefined);
      reader.feed(bytes, bytes.length);
      assert.ok(['open', 'closing', 'done', 'junk'].includes(reader.state));
    }),
  );
  check(
    property(nat(REPLY.length - 1), nat(255), (at, byte) => {
      const changed = REPLY.slice(0, at) + String.fromCharCode(byte) + REPLY.slice(at + 1);
      const { seen } = read(changed);
      assert.ok(seen.length <= 3);
    }),
  );
});

test('changes are written as the daemon reads them', () => {
  const request = new UapiRequest(POOLS);
  assert.ok(request.empty);
  request.remove(KEY, 0);
  request.add(KEY, 0, 16_129);
  assert.equal(
    text(request.finish()),
    `set=1\npublic_key=${HEX}\nremove=true\npublic_key=${HEX}\nreplace_allowed_ips=true\n` +
      'allowed_ip=10.64.255.1/32\nallowed_ip=fd6c:6574:6865:0004:0000:0000:0000:3f01/128\n\n',
  );
  const view = request.finish();
  request.wipe();
  assert.ok(view.every((byte) => byte === 0));
  assert.ok(request.empty);
});

test('a request has room for hundreds of changes and then says so', () => {
  const request = new UapiRequest(POOLS);
  let changes = 0;
  for (; request.room; changes += 1) request.add(KEY, 0, 2);
  assert.ok(changes > 250);
  request.remove(KEY, 0);
  request.add(KEY, 0, 2);
  assert.ok(request.finish().length <= 65_536);
});

test('hosts are counted through all bytes', () => {
  const bytes = [12, 13, 14, 15].map((index) => innerByte(new Uint8Array(16), 0x01020304, index));
  assert.deepEqual(bytes, [1, 2, 3, 4]);
  assert.equal(innerByte(POOLS.base6, 0x01020304, 0), 0xfd);
});
