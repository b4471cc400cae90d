// SPDX-License-Identifier: AGPL-3.0-or-later
import { request } from 'node:https';
import { LONGEST } from '../../contracts/activation/messages.ts';
import type { Operator } from '../../contracts/activation/operator.ts';

/** Sends a message to the activator and gives what it answers, whatever the status. Throws when there is no answer. */
export type Post = (path: string, message: string) => Promise<string>;

/** Milliseconds. */
const TIMEOUT = 30_000;

/** Speaks TLS 1.3 with the activator that the operator's authority vouches for, and with no other. */
export function postingTo({ activator, authority }: Operator): Post {
  return (path, message) =>
    new Promise((resolve, reject) => {
      const options = {
        method: 'POST',
        ca: authority,
        minVersion: 'TLSv1.3',
        agent: false,
        timeout: TIMEOUT,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(message) },
      } as const;
      const outgoing = request(new URL(path, activator), options, (response) => {
        const chunks: Buffer[] = [];
        let length = 0;
        response.on('data', (chunk: Buffer) => {
          length += chunk.length;
          if (length > LONGEST.toMachine) response.destroy(new Error('the answer is too long'));
          else chunks.push(chunk);
        });
        response.once('error', reject);
        response.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
      });
      outgoing.once('timeout', () => outgoing.destroy(new Error('no answer in time')));
      outgoing.once('error', reject);
      outgoing.end(message);
    });
}
