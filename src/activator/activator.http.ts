// SPDX-License-Identifier: AGPL-3.0-or-later

import { CHALLENGE, EVIDENCE, readMessage, writeMessage } from '../contracts/activation/messages.ts';
import { type AttestationRefused, isRefused, refused } from '../verify/attestation/refusal.ts';
import type { ActivatorStore } from './activator.store.ts';
import type { Activator } from './activator.ts';

export interface Answer {
  readonly status: 200 | 400 | 403 | 404 | 405 | 413;
  /** JSON */
  readonly body: string;
}

export interface Surface {
  readonly activator: Activator;
  readonly store: ActivatorStore;
}

/** Answers a request whose body was read, or given up because it is too long (undefined). */
export async function answerRequest(
  { activator, store }: Surface,
  method: string,
  path: string,
  body: string | undefined,
): Promise<Answer> {
  switch (path) {
    case '/v1/challenge': {
      const message = posted(method, body, (text) => readMessage(CHALLENGE, text));
      return 'status' in message ? message : answered(activator.challenge(message));
    }
    case '/v1/evidence': {
      const message = posted(method, body, (text) => readMessage(EVIDENCE, text));
      return 'status' in message ? message : answered(await activator.answer(message));
    }
    case '/v1/gateways':
      return method === 'GET' ? { status: 200, body: publicKeys(store) } : { status: 405, body: '{}' };
    default:
      return { status: 404, body: '{}' };
  }
}

function posted<T extends object>(
  method: string,
  body: string | undefined,
  read: (text: string) => T | undefined,
): T | Answer {
  if (method !== 'POST') return { status: 405, body: '{}' };
  if (body === undefined) return { status: 413, body: writeMessage({ ...refused('oversized') }) };
  return read(body) ?? { status: 400, body: writeMessage({ ...refused('malformed') }) };
}

function answered(outcome: object | AttestationRefused): Answer {
  return { status: isRefused(outcome) ? 403 : 200, body: writeMessage({ ...outcome }) };
}

/** What customers' profiles need of each gateway, as of its last boot. It is public. */
function publicKeys(store: ActivatorStore): string {
  const gateways = store.boots().map(({ gateway, release, wireguard }) => ({
    gateway,
    release,
    wireguard: wireguard.toBase64(),
  }));
  return JSON.stringify({ gateways });
}
