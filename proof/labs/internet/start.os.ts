// SPDX-License-Identifier: AGPL-3.0-or-later
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Namespace } from '../../../src/host/namespaces/namespace.os.ts';
import type { Child } from '../../../src/host/processes/process.os.ts';

/** Name, page and addresses of the small Internet (RFC 6761, RFC 5737, RFC 3849). */
export const INTERNET = {
  zone: 'internet.test',
  address4: '203.0.113.80',
  address6: '2001:db8:80::80',
} as const;

/** Starts it in a namespace and waits until it serves. */
export async function startInternet(
  namespace: Namespace,
  ports: { readonly http: number; readonly dns: number } = { http: 80, dns: 53 },
): Promise<Child> {
  const program = fileURLToPath(new URL('main.ts', import.meta.url));
  const where = ['--http', String(ports.http), '--dns', String(ports.dns), '--zone', INTERNET.zone];
  const names = ['--address4', INTERNET.address4, '--address6', INTERNET.address6];
  const child = await namespace.spawn([process.execPath, program, ...where, ...names]);
  while (!child.output().startsWith('ready')) {
    if (!child.running) throw new Error(`the Internet did not start: ${child.output()}`);
    await delay(20);
  }
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
