// SPDX-License-Identifier: AGPL-3.0-or-later
import { Resolver } from 'node:dns/promises';
import { get } from 'node:http';
import { isIP } from 'node:net';

// What a person does in a browser, as a small program that runs inside a client's namespace: look a name up at the
// given resolver unless it is an address, fetch a page from there, and print what came back.

export interface Visit {
  readonly addresses: readonly string[];
  readonly status: number;
  /** The page: the demo's Internet answers with the address that the request came from. */
  readonly body: string;
}

async function fetchPage(address: string, host: string, path: string): Promise<Pick<Visit, 'status' | 'body'>> {
  return await new Promise((resolve, reject) => {
    const request = get({ host: address, path, headers: { host }, timeout: 5000 }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        body += piece;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: body.trim() }));
    });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', reject);
  });
}

const [host = '', path = '/', server = ''] = process.argv.slice(2);
const resolver = new Resolver({ timeout: 3000, tries: 3 });
resolver.setServers([server]);
const addresses = isIP(host) === 0 ? await resolver.resolve4(host) : [host];
const page = await fetchPage(addresses[0] ?? '', host, path);
process.stdout.write(JSON.stringify({ addresses, ...page } satisfies Visit));
