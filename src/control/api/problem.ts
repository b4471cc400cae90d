// SPDX-License-Identifier: AGPL-3.0-or-later
import { leaving } from '../surface/record.ts';
import { Problem } from './schemas.ts';

/** Every way in which the API refuses, with the HTTP status and one sentence. No sentence repeats what was sent. */
const PROBLEMS = {
  malformed_json: [400, 'The body is not JSON.'],
  not_signed_in: [401, 'This needs the token of a sign-in that is still valid.'],
  account_unknown: [401, 'No account has this number.'],
  not_found: [404, 'There is nothing here.'],
  method_not_allowed: [405, 'This path does not know that method.'],
  key_taken: [409, 'Another licence uses this key. Make a new pair of keys.'],
  too_many_keys: [409, 'This licence has as many keys as it may. Remove one first.'],
  too_large: [413, 'The body is too large.'],
  wrong_content_type: [415, 'The body must be application/json.'],
  invalid: [422, 'The body does not have the fields that this operation takes; see /openapi.json.'],
  account_malformed: [422, 'An account number has 20 letters and digits.'],
  account_mistyped: [422, 'The account number has a typing error.'],
  key_malformed: [422, 'This is not a WireGuard public key.'],
  busy: [429, 'Too many requests at the moment. Try again in a few seconds.'],
  undeclared: [500, 'The answer was held back: it had something in it that the privacy policy does not declare.'],
  failed: [500, 'Something went wrong on our side.'],
  unavailable: [503, 'The service is being restarted. Try again in a few seconds.'],
  no_room: [503, 'There is no room for another key at the moment.'],
} as const satisfies Record<string, readonly [number, string]>;

export type ProblemCode = keyof typeof PROBLEMS;

export function problemStatus(code: ProblemCode): number {
  return PROBLEMS[code][0];
}

/** The answer of RFC 9457. */
export function problemResponse(code: ProblemCode): Response {
  const [status, title] = PROBLEMS[code];
  const headers: Record<string, string> = { 'content-type': 'application/problem+json' };
  if (status === 401) headers['www-authenticate'] = 'Bearer';
  if (status === 429 || status === 503) headers['retry-after'] = '5';
  return new Response(leaving(Problem, { type: `/problems/${code}`, title, status, code }), { status, headers });
}
