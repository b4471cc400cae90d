// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { addressBytes } from '../../../bytes/text/address.ts';
import { GATEWAY_FILES, TUNNELS } from '../../../contracts/plan/plan.ts';
import { hostOf, innerAddresses, innerPools } from '../../../contracts/plan/pool.ts';
import { waitUntil } from '../../../core/clock/until.ts';
import { RecordingJournal } from '../../../core/journal/journal.ts';
import type { SessionId } from '../../../core/sessions/session.ts';
import { type Namespace, openNamespace } from '../../../host/namespaces/namespace.os.ts';
import { run } from '../../../host/processes/process.os.ts';
import { innerKey } from '../../sensitive/openvpn.ts';
import { keysOf, writeKey } from '../inner-keys.ts';
import { FlowForgetting } from './flows.os.ts';
import { compileFlows, startFlows } from './start.os.ts';

const AGENT = { uid: 961, gid: 961 };
const SESSION = '0011223344556677' as SessionId;
const { wireguard } = TUNNELS;
const POOLS = innerPools(wireguard);

let directory = '';
let program = '';

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lethe-flows-'));
  chmodSync(directory, 0o711);
  program = await compileFlows(join(directory, 'flows'), '-g', '-fsanitize=address,undefined');
});

after(() => rmSync(directory, { recursive: true }));

const OPEN = `const { createSocket } = require('node:dgram');
const [from, to, count] = process.argv.slice(1);
const socket = createSocket(from.includes(':') ? 'udp6' : 'udp4');
socket.bind(0, from, async () => {
  for (let port = 1; port <= Number(count); port += 1)
    await new Promise((sent) => socket.send('x', 1000 + port, to, sent));
  socket.close();
});`;

interface Kernel {
  readonly gateway: Namespace;
  /** Hosts that have a session. */
  readonly live: Set<number>;
  readonly journal: RecordingJournal;
  readonly forgetting: FlowForgetting;
  /** Opens flows from both inner addresses of a host. */
  readonly open: (host: number, count?: number) => Promise<void>;
  readonly flows: (host: number) => Promise<number>;
}

/** A namespace whose kernel follows what inner addresses send, and the real program in it unless it is away. */
async function withKernel(use: (kernel: Kernel) => Promise<void>, away = false): Promise<void> {
  const gateway = await openNamespace();
  const live = new Set<number>();
  const journal = new RecordingJournal();
  const forgetting = new FlowForgetting({
    socket: `/proc/${gateway.pid}/root${GATEWAY_FILES.flowsSocket}`,
    inner: {
      sessionAt: (bytes, start, length) => (live.has(hostOf(POOLS, bytes, start, length) ?? -1) ? SESSION : undefined),
    },
    tunnels: TUNNELS,
    journal,
  });
  const follow = 'table inet t {\nchain c {\ntype filter hook output priority 0\nct state new accept\n}\n}\n';
  await gateway.run(['nft', '--file', '-'], { stdin: follow });
  if (!away) await startFlows(gateway, program, { user: AGENT });
  try {
    await use({
      gateway,
      live,
      journal,
      forgetting,
      async open(host, count = 3) {
        for (const [index, address] of innerAddresses(wireguard, host).entries()) {
          await gateway.run(['ip', 'address', 'replace', address, 'dev', 'lo', ...(index === 1 ? ['nodad'] : [])]);
          await gateway.run([process.execPath, '-e', OPEN, address, address, String(count)]);
        }
      },
      async flows(host) {
        const [four, six] = innerAddresses(wireguard, host);
        // As the kernel writes it, whole.
        const groups = Array.from({ length: 8 }, (_, index) =>
          addressBytes(six)
            .subarray(2 * index, 2 * index + 2)
            .toHex(),
        );
        const lines = ['sh', '-c', 'grep -cE " src=($0|$1) " /proc/net/nf_conntrack || true', four, groups.join(':')];
        return Number(await gateway.run(lines));
      },
    });
  } finally {
    forgetting.stop();
    await gateway.close();
  }
}

const leave = ({ forgetting, live }: Kernel, host: number) => {
  live.delete(host);
  for (const key of keysOf(POOLS, host)) forgetting.vacated(key);
};

test('the flows of one who has left are deleted, however many, and no others', async () => {
  await withKernel(async (kernel) => {
    kernel.live.add(2).add(3);
    await kernel.open(2, 2500);
    await kernel.open(3);
    assert.ok((await kernel.flows(2)) > 4000);
    leave(kernel, 2);
    await waitUntil('they are deleted', async () => (await kernel.flows(2)) === 0);
    assert.equal(await kernel.flows(3), 6);
    assert.deepEqual(kernel.journal.codes(), []);
  });
});

test('one who is back already keeps the flows', async () => {
  await withKernel(async (kernel) => {
    kernel.live.add(2).add(3);
    await kernel.open(2);
    await kernel.open(3);
    for (const key of keysOf(POOLS, 2)) kernel.forgetting.vacated(key);
    leave(kernel, 3);
    await waitUntil('the other ones are deleted', async () => (await kernel.flows(3)) === 0);
    assert.equal(await kernel.flows(2), 6);
  });
});

test('flows without a session at two looks are deleted, those that have just begun are not', async () => {
  await withKernel(async (kernel) => {
    await kernel.open(2);
    await kernel.forgetting.sweep();
    await kernel.open(3);
    await kernel.forgetting.sweep();
    await waitUntil('the old ones are deleted', async () => (await kernel.flows(2)) === 0);
    assert.equal(await kernel.flows(3), 6);
    kernel.live.add(3);
    await kernel.forgetting.sweep();
    await kernel.forgetting.sweep();
    assert.equal(await kernel.flows(3), 6);
  });
});

test('a program that is away is said once, and what was to be forgotten then is not forgotten', async () => {
  await withKernel(async (kernel) => {
    await kernel.open(2);
    leave(kernel, 2);
    await kernel.forgetting.sweep();
    assert.equal(await kernel.flows(2), 6);
    assert.deepEqual(kernel.journal.codes(), ['daemon_lost']);
    await startFlows(kernel.gateway, program, { user: AGENT });
    await waitUntil('they are deleted', async () => (await kernel.flows(2)) === 0);
    assert.deepEqual(kernel.journal.codes(), ['daemon_lost', 'daemon_found']);
  }, true);
});

test('its socket is for the agent alone, it has one right, and what it does not know it refuses', async () => {
  await withKernel(async ({ gateway }) => {
    const ask = (request: string, uid = AGENT.uid) =>
      run([
        ...gateway.enter,
        'setpriv',
        `--reuid=${uid}`,
        `--regid=${uid}`,
        '--clear-groups',
        process.execPath,
        '-e',
        `const s = require('node:net').connect(process.argv[1], () => s.write(JSON.parse(process.argv[2])));
         s.on('data', (d) => { process.stdout.write(d); if (String(d).endsWith('\\n\\n')) s.end(); })
          .on('error', () => process.stdout.write('refused')).setTimeout(3000, () => s.destroy());`,
        GATEWAY_FILES.flowsSocket,
        JSON.stringify(request),
      ]);
    assert.equal(await ask('get=1\n\n'), 'errno=0\n\n');
    assert.equal(await ask('get=1\n\n', 65_534), 'refused');
    for (const request of [
      'what=1',
      'forget=1\naddress=10.0.0',
      'forget=1\nflow=1',
      `forget=1${'\naddress=::1'.repeat(513)}`,
    ])
      assert.equal(await ask(`${request}\n\n`), 'errno=-22\n\n', request.slice(0, 30));
    for (const junk of ['get=1\n\nget=1\n\n', 'get=1\n\0\n\n', 'a'.repeat(70_000)])
      assert.match(await ask(junk), /^(?:refused)?$/, junk.slice(0, 9));
    const pid = (await gateway.run(['pidof', 'flows'])).trim();
    assert.match(await gateway.run(['cat', `/proc/${pid}/status`]), /^CapBnd:\t0000000000001000$/m);
  });
});

test('a key is an address of one of the pools, and no other', () => {
  const address = new Uint8Array(16);
  for (const tunnel of Object.values(TUNNELS)) {
    const pools = innerPools(tunnel);
    for (const host of [2, 300, pools.hosts - 1]) {
      const [four, six] = keysOf(pools, host);
      assert.equal(writeKey([pools], four, address), 4);
      assert.equal(hostOf(pools, address, 0, 4), host);
      assert.equal(
        writeKey(
          Object.values(TUNNELS).map((one) => innerPools(one)),
          six,
          address,
        ),
        16,
      );
      assert.equal(hostOf(pools, address, 0, 16), host);
      assert.equal(innerKey(address, 0, 16), six);
    }
  }
  assert.equal(writeKey([POOLS], 2 ** 32 * 70_000, address), 0);
});
