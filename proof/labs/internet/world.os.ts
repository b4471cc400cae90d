// SPDX-License-Identifier: AGPL-3.0-or-later
import { below, type Random } from '../../../src/core/random/random.ts';
import { joinByCable, type Namespace } from '../../../src/host/namespaces/namespace.os.ts';
import { answerOn, forwardPackets, TestNetwork } from '../network/network.os.ts';
import { INTERNET, startInternet } from './start.os.ts';

/**
 * The world around a gateway: a router to which everybody is cabled, and which is the small Internet too. Each machine has
 * one address, in no network with others, so that all may have whatever address a test wants.
 *
 *     gateway  198.51.100.7 ---+
 *                              +--- router 192.0.2.1, Internet 203.0.113.80
 *     customer 129.132.8.9 ----+
 */
export interface World extends AsyncDisposable {
  readonly router: Namespace;
  /** A machine with one address of its own and a way to everywhere, by its interface `eth0`. */
  machine(name: string, address4: string, address6: string): Promise<Namespace>;
  /** Gives a machine another address in place of its own, as a telephone gets one that leaves the house. */
  move(machine: Namespace, name: string, from: string, to: string): Promise<void>;
  /** Cables a namespace that exists already, the gateway's, as `interfaceName`. */
  attach(namespace: Namespace, name: string, interfaceName: string, address4: string, address6: string): Promise<void>;
  close(): Promise<void>;
}

/** Everybody's way to everybody else. */
export const ROUTER4 = '192.0.2.1';
const ROUTER6 = '2001:db8::1';

/** Where the stock clients are said to live: networks whose country and holder the GeoIP tables know. */
const HOMES = ['130.237', '129.132', '131.215', '133.11', '141.24'] as const;

/** A random address in one of these networks. Packets to it never leave the namespaces. */
export function homeAddress(random: Random, home: number): string {
  return `${HOMES[home % HOMES.length]}.${1 + below(random, 254)}.${1 + below(random, 254)}`;
}

/** A random address of documentation space (RFC 3849). */
export function homeAddress6(random: Random): string {
  const groups = Array.from({ length: 4 }, () => (0x1000 + below(random, 0xefff)).toString(16));
  return `2001:db8:${groups.join(':')}::2`;
}

export async function openWorld(): Promise<World> {
  const network = new TestNetwork();
  try {
    const router = await network.machine();
    await prepareRouter(router);
    await startInternet(router);
    return worldAround(router, network);
  } catch (error) {
    await network.close();
    throw error;
  }
}

function worldAround(router: Namespace, network: TestNetwork): World {
  const attach: World['attach'] = async (namespace, name, interfaceName, address4, address6) => {
    await joinByCable(
      { namespace: router, name, addresses: [`${ROUTER6}/128`] },
      { namespace, name: interfaceName, addresses: [`${address4}/32`, `${address6}/128`] },
    );
    // The Internet answers from its own address, whichever cable the question came by.
    await router.run(['ip', 'route', 'add', address4, 'dev', name, 'src', INTERNET.address4]);
    await router.run(['ip', '-6', 'route', 'add', address6, 'dev', name, 'src', INTERNET.address6]);
    await namespace.run(['ip', 'route', 'add', ROUTER4, 'dev', interfaceName]);
    await namespace.run(['ip', '-6', 'route', 'add', ROUTER6, 'dev', interfaceName]);
    await namespace.run(['ip', 'route', 'add', 'default', 'via', ROUTER4, 'dev', interfaceName, 'src', address4]);
    await namespace.run(['ip', '-6', 'route', 'add', 'default', 'via', ROUTER6, 'dev', interfaceName, 'src', address6]);
  };
  return {
    router,
    attach,
    async machine(name, address4, address6) {
      const namespace = await network.machine();
      await attach(namespace, name, 'eth0', address4, address6);
      return namespace;
    },
    async move(namespace, name, from, to) {
      await router.run(['ip', 'route', 'replace', to, 'dev', name, 'src', INTERNET.address4]);
      await namespace.run(['ip', 'addr', 'add', `${to}/32`, 'dev', 'eth0']);
      await namespace.run(['ip', 'route', 'replace', 'default', 'via', ROUTER4, 'dev', 'eth0', 'src', to]);
      await namespace.run(['ip', 'addr', 'del', `${from}/32`, 'dev', 'eth0']);
      await router.run(['ip', 'route', 'del', from, 'dev', name]);
    },
    close: () => network.close(),
    [Symbol.asyncDispose]: () => network.close(),
  };
}

async function prepareRouter(router: Namespace): Promise<void> {
  await answerOn(router, [ROUTER4, INTERNET.address4, INTERNET.address6]);
  await forwardPackets(router);
  await router.run(['sysctl', '-qw', 'net.ipv4.conf.all.proxy_arp=1', 'net.ipv4.conf.default.proxy_arp=1']);
}
