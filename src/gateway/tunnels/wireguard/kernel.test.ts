// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { markedAddress, markedKey, patternsOf, randomAddress4 } from '../../../../proof/hunt/marker.ts';
import { Matcher } from '../../../../proof/hunt/matcher.ts';
import { searchMemory } from '../../../../proof/hunt/memory.os.ts';
import { type Hit, Tally } from '../../../../proof/hunt/place.ts';
import { attribute, attributes } from '../../../../proof/labs/wireguard/fake-kernel.os.ts';
import { KernelBridge } from '../../../../proof/labs/wireguard/kernel-bridge.os.ts';
import { below, systemRandom } from '../../../core/random/random.ts';
import { spawnChild } from '../../../host/processes/process.os.ts';
import { compileWipe } from '../../residue/wipe.os.ts';
import { compileKernelBridge } from './kernel.os.ts';

/** Attributes of include/uapi/linux/wireguard.h. */
const PEERS = 8;
const PEER = { key: 1, flags: 3, endpoint: 4, handshake: 6, received: 7, sent: 8, addresses: 9 };
const ADDRESS = { family: 1, bytes: 2, prefix: 3 };

let directory = '';
let checked = '';
let wiping = '';
let bridges = 0;

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lethe-kernel-'));
  checked = join(directory, 'checked');
  wiping = join(directory, 'wiping');
  await compileKernelBridge(
    checked,
    '-DFAKE_KERNEL',
    '-g',
    '-fsanitize=address,undefined',
    '-fno-sanitize-recover=all',
  );
  await compileKernelBridge(wiping, '-DFAKE_KERNEL');
});

after(() => rmSync(directory, { recursive: true }));

/** Does something with a bridge, and stops it. */
async function withBridge(use: (bridge: KernelBridge) => Promise<void>, program = checked, env = {}): Promise<void> {
  bridges += 1;
  const bridge = await KernelBridge.start(program, join(directory, String(bridges)), env);
  try {
    await use(bridge);
  } finally {
    await bridge.stop();
  }
}

function long(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length);
  values.forEach((value, index) => {
    bytes.writeBigInt64LE(BigInt(value), 8 * index);
  });
  return bytes;
}

function allowed(bytes: readonly number[], prefix: number): Buffer {
  return attribute(0, [
    attribute(ADDRESS.family, Buffer.from([bytes.length === 4 ? 2 : 10, 0])),
    attribute(ADDRESS.bytes, Buffer.from(bytes)),
    attribute(ADDRESS.prefix, Buffer.from([prefix])),
  ]);
}

const INNER6 = [0xfd, 0x6c, 0x65, 0x74, 0x68, 0x65, 0, 4, 0, 0, 0, 0, 0, 0, 0, 2];
const FIRST = Buffer.alloc(32, 0x1a);
const SECOND = Buffer.alloc(32, 0xf0);

/** A device with a peer that was heard over IPv4, and one over IPv6 whose addresses come in two messages. */
function describedDevice(): Buffer[][] {
  const first = attribute(0, [
    attribute(PEER.key, FIRST),
    attribute(2, Buffer.alloc(32)),
    attribute(PEER.handshake, long(1_795_255_200, 123)),
    attribute(5, Buffer.alloc(2)),
    attribute(PEER.sent, long(1000)),
    attribute(PEER.received, long(20)),
    attribute(10, Buffer.from([1, 0, 0, 0])),
    attribute(PEER.endpoint, Buffer.from([2, 0, 0xc8, 0, 192, 0, 2, 7, 0, 0, 0, 0, 0, 0, 0, 0])),
    attribute(PEER.addresses, [allowed([10, 64, 192, 2], 32), allowed(INNER6, 128)]),
  ]);
  const six = Buffer.alloc(28);
  six.set([10, 0, 0x1f, 0x90, 0, 0, 0, 0, 0x20, 0x01, 0x0d, 0xb8]);
  six.set([9], 23);
  const second = (more: readonly Buffer[]) => attribute(0, [attribute(PEER.key, SECOND), ...more]);
  return [
    [
      attribute(3, Buffer.alloc(32, 0x77)),
      attribute(PEERS, [
        first,
        second([attribute(PEER.endpoint, six), attribute(PEER.addresses, [allowed([10, 64, 192, 3], 32)])]),
      ]),
    ],
    [attribute(PEERS, [second([attribute(PEER.addresses, [allowed([10, 64, 192, 4], 32)])])])],
  ];
}

test('what the kernel says is told as wireguard-go would, without the private key', async () => {
  await withBridge(async (bridge) => {
    bridge.kernel.description = describedDevice();
    const expected = [
      `public_key=${'1a'.repeat(32)}`,
      'endpoint=192.0.2.7:51200',
      'last_handshake_time_sec=1795255200',
      'last_handshake_time_nsec=123',
      'tx_bytes=1000',
      'rx_bytes=20',
      'allowed_ip=10.64.192.2/32',
      'allowed_ip=fd6c:6574:6865:4::2/128',
      `public_key=${'f0'.repeat(32)}`,
      'endpoint=[2001:db8::9]:8080',
      'allowed_ip=10.64.192.3/32',
      'allowed_ip=10.64.192.4/32',
      'errno=0\n\n',
    ].join('\n');
    assert.equal(await bridge.ask('get=1\n\n'), expected);
    assert.equal(await bridge.ask('get=1\n\n'), expected);
  });
});

test('changes reach the kernel as they were asked for', async () => {
  await withBridge(async (bridge) => {
    const request =
      `set=1\npublic_key=${'1a'.repeat(32)}\nremove=true\npublic_key=${'1a'.repeat(32)}\nreplace_allowed_ips=true\n` +
      'allowed_ip=10.64.255.1/32\nallowed_ip=fd6c:6574:6865:0004:0000:0000:0000:0002/128\n\n';
    assert.equal(await bridge.ask(request), 'errno=0\n\n');
    const [change = []] = bridge.kernel.changes;
    const [device, list] = change;
    assert.equal(String(device?.value), 'wg0\0');
    const peers = attributes(list?.value as Buffer).map(({ value }) => attributes(value));
    const flags = peers.map((peer) => peer.find(({ type }) => type === PEER.flags)?.value.readUInt32LE());
    assert.deepEqual(flags, [1, 2]);
    assert.ok(peers.every(([key]) => key?.value.equals(FIRST)));
    const addresses = attributes(peers[1]?.find(({ type }) => type === PEER.addresses)?.value as Buffer);
    assert.deepEqual(
      addresses.map(({ value }) => attributes(value).map((part) => Array.from(part.value))),
      [
        [[2, 0], [10, 64, 255, 1], [32]],
        [[10, 0], INNER6, [128]],
      ],
    );
  });
});

test('a request that is longer than one message becomes several', async () => {
  await withBridge(async (bridge) => {
    const peer = (index: number) =>
      `public_key=${index.toString(16).padStart(64, '0')}\nreplace_allowed_ips=true\n` +
      'allowed_ip=10.64.255.1/32\nallowed_ip=fd6c:6574:6865:0004:0000:0000:0000:0002/128\n';
    assert.equal(
      await bridge.ask(`set=1\n${Array.from({ length: 200 }, (_, i) => peer(i)).join('')}\n`),
      'errno=0\n\n',
    );
    const keys = bridge.kernel.changes.flatMap((change) =>
      attributes(change[1]?.value as Buffer).map(({ value }) => attributes(value)[0]?.value.readUInt8(31)),
    );
    assert.deepEqual(
      keys,
      Array.from({ length: 200 }, (_, i) => i),
    );
    assert.ok(bridge.kernel.changes.length > 1);
  });
});

test('what it does not know is refused, and so is what the kernel refuses', async () => {
  await withBridge(async (bridge) => {
    const key = `public_key=${'1a'.repeat(32)}`;
    const refused = [
      'private_key=00',
      'public_key=1a',
      `public_key=${'1A'.repeat(32)}`,
      'allowed_ip=10.0.0.1/32',
      'word',
      `${key}\nallowed_ip=10.0.0.1`,
      `${key}\nallowed_ip=10.0.0.1/33`,
      `${key}\nallowed_ip=10.0.0/8`,
      `${key}\nallowed_ip=::1/`,
      `${key}\nremove=yes`,
      `${key}\nendpoint=192.0.2.1:1`,
      `${key}\n${'allowed_ip=10.0.0.1/32\n'.repeat(600)}remove=true`,
    ];
    for (const lines of refused) assert.equal(await bridge.ask(`set=1\n${lines}\n\n`), 'errno=-22\n\n', lines);
    assert.equal(await bridge.ask('what=1\n\n'), 'errno=-22\n\n');
    bridge.kernel.refusal = 19;
    assert.equal(await bridge.ask(`set=1\n${key}\n\n`), 'errno=-19\n\n');
  });
});

test('junk from the kernel ends an answer and nothing else', async () => {
  await withBridge(async (bridge) => {
    bridge.kernel.description = describedDevice();
    bridge.kernel.mischief = (answer) => {
      const junk = Buffer.from(answer);
      for (let i = 0; i <= below(systemRandom, 3); i += 1) {
        junk[below(systemRandom, junk.length)] = below(systemRandom, 256);
      }
      return junk;
    };
    for (let i = 0; i < 3000; i += 1) assert.match((await bridge.ask('get=1\n\n')) ?? 'gone', /errno=-?\d+\n\n$/);
  });
});

for (const nonsense of ['get=1\n\nget=1\n\n', 'get=1\n\0\n\n', `set=1\n${'a'.repeat(70_000)}`]) {
  test(`a client that says nonsense is hung up on: ${JSON.stringify(nonsense.slice(0, 16))}`, async () => {
    await withBridge(async (bridge) => {
      assert.equal(await bridge.ask(nonsense), undefined);
      assert.deepEqual(await bridge.child.exited, { code: 0, signal: null });
    });
  });
}

test('after an answer nothing of it is left in memory', async () => {
  const key = systemRandom.bytes(32);
  const address = randomAddress4(systemRandom);
  const endpoint = Buffer.from([2, 0, 0xc8, 1, ...address.split('.').map(Number), 0, 0, 0, 0, 0, 0, 0, 0]);
  const marks = [markedKey('key', key.toBase64()), markedAddress('address', address)];
  const matcher = new Matcher(marks.flatMap((mark) => patternsOf(mark)));
  const use = async (bridge: KernelBridge) => {
    const peer = attribute(0, [attribute(PEER.key, Buffer.from(key)), attribute(PEER.endpoint, endpoint)]);
    bridge.kernel.description = [[attribute(PEERS, [peer])]];
    assert.match((await bridge.ask('get=1\n\n')) ?? 'gone', new RegExp(`endpoint=${address}:51201`));
    assert.equal(await bridge.ask(`set=1\npublic_key=${key.toHex()}\nallowed_ip=${address}/32\n\n`), 'errno=0\n\n');
    // It answers some microseconds before it wipes.
    let left: readonly Hit[] = [];
    for (let looks = 0; looks < 100; looks += 1) {
      const tally = new Tally(matcher);
      assert.equal(searchMemory(bridge.child.pid, tally), 'searched');
      left = tally.hits();
      if (left.length === 0) break;
      await delay(20);
    }
    assert.deepEqual(left, []);
  };
  await withBridge(use, wiping, { LD_PRELOAD: await compileWipe(directory) });
});

test('without WireGuard in the kernel it ends', async () => {
  const child = spawnChild([checked, 'wg0'], { env: { FAKE_KERNEL: join(directory, 'nothing') } });
  assert.deepEqual(await child.exited, { code: 1, signal: null });
});
