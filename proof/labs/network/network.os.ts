// SPDX-License-Identifier: AGPL-3.0-or-later
import {
  type CableEnd,
  joinByCable,
  type Namespace,
  openNamespace,
} from '../../../src/host/namespaces/namespace.os.ts';

/**
 * The machines of one test, each a namespace. They hang on nothing until cables join them (`joinByCable`, `routeBy`), and
 * the kernel removes interfaces, routes and processes with them. Needs root.
 *
 * ```ts
 * await using network = new TestNetwork();
 * const [gateway, client] = await network.machines(2);
 * await routeBy(
 *   { namespace: client, name: 'eth0', addresses: ['192.0.2.2/24'] },
 *   { namespace: gateway, name: 'c0', addresses: ['192.0.2.1/24'] },
 * );
 * ```
 */
export class TestNetwork implements AsyncDisposable {
  readonly #machines: Namespace[] = [];

  async machine(): Promise<Namespace> {
    const namespace = await openNamespace();
    this.#machines.push(namespace);
    return namespace;
  }

  /** So many at once. */
  async machines<Count extends number>(count: Count): Promise<Machines<Count>> {
    const machines = await Promise.all(Array.from({ length: count }, () => this.machine()));
    return machines as unknown as Machines<Count>;
  }

  async close(): Promise<void> {
    await Promise.all(this.#machines.splice(0).map((machine) => machine.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** A tuple where the number is known while compiling, so that each machine has a name at once. */
type Machines<Count extends number, Known extends readonly Namespace[] = readonly []> = number extends Count
  ? readonly Namespace[]
  : Known['length'] extends Count
    ? Known
    : Machines<Count, readonly [...Known, Namespace]>;

type End = CableEnd & { readonly namespace: Namespace };

/** Joins a machine to its router: from now on, its addresses here are the way to everybody. */
export async function routeBy(machine: End, router: End): Promise<void> {
  await joinByCable(machine, router);
  for (const address of router.addresses) {
    await machine.namespace.run(['ip', 'route', 'replace', 'default', 'via', withoutPrefix(address)]);
  }
}

function withoutPrefix(address: string): string {
  return address.replace(/\/.*/, '');
}

/** Gives a machine addresses that it answers on whichever cable the question came by. */
export async function answerOn(machine: Namespace, addresses: readonly string[]): Promise<void> {
  for (const address of addresses) {
    const nodad = address.includes(':') ? ['nodad'] : [];
    await machine.run(['ip', 'addr', 'add', address, 'dev', 'lo', ...nodad]);
  }
}

/** Lets a machine pass packets on between its cables. */
export async function forwardPackets(machine: Namespace): Promise<void> {
  await machine.run(['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']);
}

/** A switch inside a machine, which has these addresses on it. Gives what plugs one more cable of the machine in. */
export async function openSwitch(
  machine: Namespace,
  name: string,
  addresses: readonly string[],
): Promise<(cable: string) => Promise<unknown>> {
  await machine.run(['ip', 'link', 'add', name, 'type', 'bridge']);
  for (const address of addresses) await machine.run(['ip', 'addr', 'add', address, 'dev', name]);
  await machine.run(['ip', 'link', 'set', name, 'up']);
  return (cable) => machine.run(['ip', 'link', 'set', cable, 'master', name]);
}
