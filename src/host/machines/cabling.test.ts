// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestNetwork } from '../../../proof/labs/network/network.os.ts';
import { waitUntil } from '../../core/clock/until.ts';
import { joinByCable, type Namespace } from '../namespaces/namespace.os.ts';
import { place } from '../namespaces/place.os.ts';
import { type Card, cableMachine, maskOf, SERVICE_ADDRESS } from './cabling.os.ts';

/** Writes down what udhcpc(8) was given. */
const SCRIPT = `#!/bin/sh
[ "$1" = bound ] || exit 0
echo "$ip/$mask router=$router" > /run/lease-$interface
`;

async function leaseOf(machine: Namespace, device: string): Promise<string> {
  await machine.run(['busybox', 'udhcpc', '-n', '-q', '-f', '-t', '10', '-i', device, '-s', '/run/script'], {});
  return (await machine.run(['cat', `/run/lease-${device}`])).trim();
}

test('a machine is told its own address on the uplink, and only the way to control on the other card', async () => {
  await using network = new TestNetwork();
  const [world, control, vmNamespace, machine] = await network.machines(4);
  await joinByCable(
    { namespace: world, name: 'w', addresses: ['198.51.100.1/24'] },
    { namespace: vmNamespace, name: 'uplink', addresses: ['198.51.100.7/32'] },
  );
  await joinByCable(
    { namespace: control, name: 'c', addresses: ['10.66.0.1/30'] },
    { namespace: vmNamespace, name: 'control', addresses: ['10.66.0.2/30'] },
  );
  const uplink = { address4: '198.51.100.7', prefix: 24, router4: '198.51.100.1', namespace4: '198.51.100.6' };
  const cabling = await cableMachine(vmNamespace, { uplink, service: { address4: '10.66.0.1', ports: [8443, 8445] } });
  const { cards } = cabling;
  const signs = async () => {
    const { addressed, answered } = await cabling.signs();
    return [addressed, ...answered];
  };
  await standIn(vmNamespace, machine, cards);
  await machine.run(['ip', 'link', 'set', 'lo', 'up']);
  place(machine, '/run/script', SCRIPT, 0o755);
  await waitUntil('somebody answers', async () => (await vmNamespace.run(['ss', '-lun'])).includes(':67'));
  assert.equal(await leaseOf(machine, 'eth0'), '198.51.100.7/24 router=198.51.100.1');
  assert.deepEqual(await signs(), [false]);
  assert.equal(await leaseOf(machine, 'eth1'), '10.67.0.2/30 router=');
  assert.deepEqual(await signs(), [true]);

  await machine.run(['ip', 'addr', 'add', '198.51.100.7/24', 'dev', 'eth0']);
  await machine.run(['ip', 'addr', 'add', '10.67.0.2/30', 'dev', 'eth1']);
  await machine.run(['ip', 'route', 'add', 'default', 'via', SERVICE_ADDRESS]);
  await machine.run(['ping', '-c1', '-W5', '198.51.100.1']);
  for (const port of [8443, 8444]) await serve(control, port);
  // The other port is closed, and answers so.
  await assert.rejects(machine.run(['busybox', 'nc', '-w5', SERVICE_ADDRESS, '8445']), /nc|busybox/);
  assert.deepEqual(await signs(), [true]);
  assert.equal(await machine.run(['busybox', 'nc', '-w5', SERVICE_ADDRESS, '8443']), 'port 8443\n');
  assert.deepEqual(await signs(), [true, 8443]);
  await cabling.forget();
  assert.deepEqual(await signs(), [false]);
  for (const [address, port] of [
    [SERVICE_ADDRESS, '8444'],
    ['10.66.0.1', '8443'],
  ] as const) {
    await assert.rejects(machine.run(['busybox', 'nc', '-w2', address, port]), /nc|busybox/, `${address}:${port}`);
  }
});

async function serve(namespace: Namespace, port: number): Promise<void> {
  await namespace.spawn(['busybox', 'nc', '-ll', '-p', String(port), '-e', 'echo', `port ${port}`]);
  await waitUntil('somebody listens', async () => (await namespace.run(['ss', '-ltn'])).includes(`:${port}`));
}

/** Cables a namespace to where the virtual machine's cards are. */
async function standIn(vmNamespace: Namespace, machine: Namespace, cards: readonly Card[]): Promise<void> {
  for (const [index, { mac }] of cards.entries()) {
    const name = `eth${index}`;
    await joinByCable({ namespace: vmNamespace, name, addresses: [] }, { namespace: machine, name, addresses: [] });
    await machine.run(['ip', 'link', 'set', name, 'address', mac]);
    await vmNamespace.run(['ip', 'link', 'set', name, 'master', `bridge${index}`]);
  }
}

test('masks', () => {
  assert.deepEqual([0, 8, 29, 30, 32].map(maskOf), [
    '0.0.0.0',
    '255.0.0.0',
    '255.255.255.248',
    '255.255.255.252',
    '255.255.255.255',
  ]);
});
