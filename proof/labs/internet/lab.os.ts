// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Namespace } from '../../../src/host/namespaces/namespace.os.ts';
import { answerOn } from '../network/network.os.ts';
import { INTERNET } from './start.os.ts';
import { openWorld } from './world.os.ts';

/**
 * A world with a gateway and two customers in it, for tests of one daemon at a time. As on many a provider's network,
 * there are also machines with private addresses, which no customer may reach.
 */
export interface Lab extends AsyncDisposable {
  readonly gateway: Namespace;
  readonly internet: Namespace;
  readonly clients: readonly [Namespace, Namespace];
  close(): Promise<void>;
}

export const LAB = {
  address4: '198.51.100.1',
  address6: '2001:db8:51::1',
  uplink: 'eth0',
  web4: INTERNET.address4,
  web6: INTERNET.address6,
  zone: INTERNET.zone,
  private4: ['10.99.0.1', '172.16.99.1', '192.168.99.1', '100.64.99.1', '192.0.0.99', '198.18.99.1'],
  private6: [
    'fd99::1',
    'fec0::99',
    '64:ff9b::a63:1',
    '64:ff9b:1::a63:1',
    '2001:0:a63:1::1',
    '2002:a63:1::1',
    '100::99',
  ],
  clients: [
    { address4: '192.0.2.2', address6: '2001:db8:1::2' },
    { address4: '192.0.2.6', address6: '2001:db8:2::2' },
  ],
} as const;

/** Needs root. Closes what it has opened when a step fails. The router's end of the gateway's cable is called `gw`. */
export async function openLab(): Promise<Lab> {
  await using opened = new AsyncDisposableStack();
  const world = opened.use(await openWorld());
  const gateway = await world.machine('gw', LAB.address4, LAB.address6);
  const [a, b] = LAB.clients;
  const clients = [
    await world.machine('client0', a.address4, a.address6),
    await world.machine('client1', b.address4, b.address6),
  ] as const;
  await answerOn(world.router, [...LAB.private4, ...LAB.private6]);
  opened.move();
  const close = () => world.close();
  return { gateway, internet: world.router, clients, close, [Symbol.asyncDispose]: close };
}
