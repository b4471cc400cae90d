// SPDX-License-Identifier: AGPL-3.0-or-later
import { rmSync } from 'node:fs';
import { createServer, type RequestListener, request } from 'node:http';
import { join } from 'node:path';
import { type Listening, listenHttp } from '../host/listening/listening.os.ts';
import type { StatusReport } from './health.ts';
import type { Address } from './machine.os.ts';

/** Where the service that runs with these data says how it is; its directory lets only its owner make it. */
const SOCKET = 'status.sock';
const LIMITS = { maxHeaderSize: 2048, headersTimeout: 5000, requestTimeout: 5000, keepAlive: false } as const;
const MOST_CONNECTIONS = 64;
/** Where the operator's commands say that they have changed an account. Only on the socket, which is for its owner alone. */
const CHANGED = '/changed';
/** Milliseconds. */
const PATIENCE = 10_000;
/** Bytes of a report are fewer. */
const LONGEST = 1_048_576;

/** Answers `GET /healthz`: 200 while all is well, 503 otherwise, with the report either way. */
function answering(report: () => StatusReport, changed?: () => void): RequestListener {
  return (incoming, outgoing) => {
    incoming.resume();
    outgoing.shouldKeepAlive = false;
    if (changed !== undefined && incoming.url === CHANGED && incoming.method === 'POST') {
      changed();
      outgoing.writeHead(204).end();
      return;
    }
    if (incoming.url !== '/healthz' || incoming.method !== 'GET') {
      outgoing.writeHead(404).end();
      return;
    }
    const found = report();
    const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
    outgoing.writeHead(found.service === 'serving' ? 200 : 503, headers).end(`${JSON.stringify(found)}\n`);
  };
}

/** Says how the service is on a socket in its directory and, where asked, on a loopback port. The directory is ours alone. */
export async function serveStatus(
  directory: string,
  report: () => StatusReport,
  health: Address | undefined,
  changed: () => void = () => undefined,
): Promise<() => Promise<void>> {
  const path = join(directory, SOCKET);
  rmSync(path, { force: true });
  const server = createServer(LIMITS, answering(report, changed));
  server.maxConnections = MOST_CONNECTIONS;
  const opened: Listening[] = [];
  if (health !== undefined)
    opened.push(await listenHttp({ address: health.host, port: health.port }, answering(report)));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return async () => {
    for (const listening of opened) await listening.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
}

/** Asks the service that runs with these data; undefined when none does. */
export async function askStatus(directory: string): Promise<StatusReport | undefined> {
  return await new Promise((resolve, reject) => {
    const asked = request({ socketPath: join(directory, SOCKET), path: '/healthz', timeout: PATIENCE }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (piece: string) => {
        text += piece;
        if (text.length > LONGEST) asked.destroy(new Error('the service says too much'));
      });
      answer.on('end', () => resolve(JSON.parse(text) as StatusReport));
    });
    asked.on('timeout', () => asked.destroy(new Error('The service does not answer.')));
    asked.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED' || error.code === 'ENOTDIR') resolve(undefined);
      else reject(error);
    });
    asked.end();
  });
}

/** Has the service make a new auth file of accounts that were changed beside it. */
export async function tellChanged(directory: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const asked = request({ socketPath: join(directory, SOCKET), path: CHANGED, method: 'POST', timeout: PATIENCE });
    asked.on('response', (answer) => {
      answer.resume();
      resolve();
    });
    asked.on('timeout', () => asked.destroy(new Error('The service does not answer.')));
    asked.on('error', reject);
    asked.end();
  });
}
