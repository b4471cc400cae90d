// SPDX-License-Identifier: AGPL-3.0-or-later
import { fileURLToPath } from 'node:url';
import { joinByCable, type Namespace, openNamespace } from '../../../src/host/namespaces/namespace.os.ts';
import type { Child } from '../../../src/host/processes/process.os.ts';
import { untilSays } from '../../../src/host/processes/ready.os.ts';

/**
 * Machines on a table, for tests with real daemons: a gateway, two customers, and between them a router that is also
 * the Internet. Nothing of it touches the machine it runs on.
 *
 *     client a  192.0.2.2 ----- 192.0.2.1 +----------+
 *                                          | internet | 198.51.100.254 ----- 198.51.100.1 eth0 gateway
 *     client b  192.0.2.6 ----- 192.0.2.5 +----------+
 *
 * Behind the router: 203.0.113.80 and 2001:db8:80::80 (web and names), and, as on many a provider's network, machines
 * with private addresses that no customer may reach.
 */
export interface Lab {
  readonly gateway: Namespace;
  readonly internet: Namespace;
  readonly clients: readonly [Namespace, Namespace];
  close(): Promise<void>;
}

export const LAB = {
  address4: '198.51.100.1',
  address6: '2001:db8:51::1',
  uplink: 'eth0',
  web4: '203.0.113.80',
  web6: '2001:db8:80::80',
  zone: 'internet.test',
  private4: ['10.99.0.1', '172.16.99.1', '192.168.99.1', '100.64.99.1'],
  private6: ['fd99::1'],
  clients: [
    { address: '192.0.2.2', router: '192.0.2.1' },
    { address: '192.0.2.6', router: '192.0.2.5' },
  ],
} as const;

/** Needs root. Closes what it has opened when a step fails. */
export async function openLab(): Promise<Lab> {
  const opened = await Promise.all([openNamespace(), openNamespace(), openNamespace(), openNamespace()]);
  const close = async () => {
    await Promise.all(opened.map((namespace) => namespace.close()));
  };
  const [gateway, internet, a, b] = opened;
  try {
    await wire(gateway, internet, [a, b]);
    await startInternet(internet);
  } catch (error) {
    await close();
    throw error;
  }
  return { gateway, internet, clients: [a, b], close };
}

async function wire(gateway: Namespace, internet: Namespace, clients: readonly Namespace[]): Promise<void> {
  await joinByCable(
    { namespace: gateway, name: LAB.uplink, addresses: [`${LAB.address4}/24`, `${LAB.address6}/64`] },
    { namespace: internet, name: 'gw', addresses: ['198.51.100.254/24', '2001:db8:51::fe/64'] },
  );
  await gateway.run(['ip', 'route', 'add', 'default', 'via', '198.51.100.254']);
  await gateway.run(['ip', 'route', 'add', 'default', 'via', '2001:db8:51::fe']);
  for (const [index, client] of clients.entries()) {
    const { address, router } = LAB.clients[index] as (typeof LAB.clients)[0];
    const six = `2001:db8:${index + 1}::`;
    await joinByCable(
      { namespace: client, name: 'eth0', addresses: [`${address}/30`, `${six}2/64`] },
      { namespace: internet, name: `client${index}`, addresses: [`${router}/30`, `${six}1/64`] },
    );
    await client.run(['ip', 'route', 'add', 'default', 'via', router]);
    await client.run(['ip', 'route', 'add', 'default', 'via', `${six}1`]);
  }
  await internet.run(['sysctl', '-q', '-w', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']);
  for (const address of [LAB.web4, LAB.web6, ...LAB.private4, ...LAB.private6]) {
    const prefix = address.includes(':') ? '128' : '32';
    await internet.run(['ip', 'address', 'add', `${address}/${prefix}`, 'dev', 'lo']);
  }
}

/** Starts the small Internet in a namespace and waits until it serves. */
export async function startInternet(
  namespace: Namespace,
  ports: { readonly http: number; readonly dns: number } = { http: 80, dns: 53 },
  address4: string = LAB.web4,
): Promise<Child> {
  const program = fileURLToPath(new URL('main.ts', import.meta.url));
  const where = ['--http', String(ports.http), '--dns', String(ports.dns), '--zone', LAB.zone];
  const child = await namespace.spawn([
    process.execPath,
    program,
    ...where,
    '--address4',
    address4,
    '--address6',
    LAB.web6,
  ]);
  await untilSays(child, 'the Internet', /^ready/);
  return child;
}

/** Fetches a page inside a namespace; undefined when nothing answers within two seconds. */
export async function fetchPage(from: Namespace, host: string, path = '/', port = 80): Promise<string | undefined> {
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}${path}`;
  const script = `fetch(${JSON.stringify(url)},{signal:AbortSignal.timeout(2000)}).then(async(r)=>process.stdout.write(await r.text()),()=>process.exit(9))`;
  try {
    return (await from.run([process.execPath, '-e', script])).trim();
  } catch {
    return undefined;
  }
}
