// SPDX-License-Identifier: AGPL-3.0-or-later
// One of the two servers that the benchmark of the API compares: `ours` with a token, or `empty`.
import { hash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { api } from '../../src/control/api/api.http.ts';
import type { ApiServices } from '../../src/control/api/services.ts';
import { serveHttp } from '../../src/control/program/serve.os.ts';
import type { EpochDay } from '../../src/core/clock/clock.ts';

const [kind, token = ''] = process.argv.slice(2);
const AT = { address: '127.0.0.1', port: 0 };

/** The API as it is, but for the database: one customer is known by the hash of the token. */
async function ours(): Promise<string> {
  const customer = { licence: { id: 1, expiresOn: 20_800 as EpochDay, seats: 5, trial: true } };
  const customers = new Map([[hash('sha256', token), customer]]);
  const accounts = { customerOf: async (given: string) => customers.get(hash('sha256', given)) };
  const services = { accounts, journal: { say: () => process.exit(1) } } as unknown as ApiServices;
  const app = api(services, { service: 'Benchmark', release: '0.0.0' });
  return (await serveHttp(AT, async (request) => app.fetch(request))).url;
}

/** The least that `node:http` can do for a request. */
async function empty(): Promise<string> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-length': '2' });
    response.end('ok');
  });
  await new Promise<void>((resolve) => server.listen(AT.port, AT.address, resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

process.stdout.write(`serves ${await (kind === 'ours' ? ours() : empty())}\n`);
