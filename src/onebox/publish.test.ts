// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { routeBy, TestNetwork } from '../../proof/labs/network/network.os.ts';
import { planGateway } from '../contracts/plan/plan.ts';
import { joinByCable, type Namespace } from '../host/namespaces/namespace.os.ts';
import { untilSays } from '../host/processes/ready.os.ts';
import { machine, publish, type UplinkEnd } from './publish.os.ts';

/** A namespace that stands for the machine, so that the real one is left alone. */
function uplinkEndIn(namespace: Namespace): UplinkEnd {
  return {
    run: (argv, stdin) => namespace.run(argv, stdin === undefined ? {} : { stdin }),
    readForwarding: async () => (await namespace.run(['sysctl', '-n', 'net.ipv4.ip_forward'])).trim(),
    writeForwarding: async (value) =>
      void (await namespace.run(['sysctl', '-q', '-w', `net.ipv4.ip_forward=${value}`])),
  };
}

const RECEIVE = `
  const socket = require('node:dgram').createSocket('udp4');
  socket.on('message', (_, from) => { console.log('from ' + from.address); process.exit(0); });
  socket.bind(1194, () => console.log('bound'));`;

const plan = planGateway({
  gateway: 'zrh-01',
  location: 'ch-zrh',
  name: 'zrh-01.example.net',
  address4: '198.18.0.1',
  address6: undefined,
  uplink: 'uplink',
});

test('packets for the public address reach the gateway with their source, and everything is taken back', async () => {
  await using network = new TestNetwork();
  const [world, host, gateway] = await network.machines(3);
  await joinByCable(
    { namespace: world, name: 'w0', addresses: ['198.18.0.9/24'] },
    { namespace: host, name: 'h0', addresses: ['198.18.0.1/24'] },
  );
  await routeBy(
    { namespace: gateway, name: 'uplink', addresses: ['10.66.0.2/30'] },
    { namespace: host, name: 'h1', addresses: ['10.66.0.1/30'] },
  );
  const end = uplinkEndIn(host);
  await end.writeForwarding('0');
  const publication = { publicAddress: '198.18.0.1', gatewayAddress: '10.66.0.2', plan };
  const unpublish = await publish(publication, end);

  const receiver = await gateway.spawn([process.execPath, '-e', RECEIVE]);
  await untilSays(receiver, 'node', /bound/);
  await world.run(['bash', '-c', 'echo hello > /dev/udp/198.18.0.1/1194']);
  await receiver.exited;
  assert.match(receiver.output(), /from 198\.18\.0\.9/);
  await gateway.run(['ping', '-c1', '-W20', '198.18.0.9']);

  await unpublish();
  assert.equal(await end.run(['nft', 'list', 'tables']), '');
  assert.equal(await end.readForwarding(), '0');

  await end.writeForwarding('1');
  await (await publish(publication, end))();
  assert.equal(await end.readForwarding(), '1');
});

test('on the machine itself the switch is a file and commands are commands', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-publish-'));
  try {
    const end = machine(join(directory, 'ip_forward'));
    await end.writeForwarding('1\n');
    assert.equal(await end.readForwarding(), '1');
    assert.equal(await end.run(['cat'], 'x'), 'x');
    assert.equal(await end.run(['echo', 'y']), 'y\n');
  } finally {
    rmSync(directory, { recursive: true });
  }
});
