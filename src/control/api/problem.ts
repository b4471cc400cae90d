// SPDX-License-Identifier: AGPL-3.0-or-later
import { headersOf } from '../surface/headers.http.ts';
import { PROBLEM_STATUS, type ProblemCode } from '../surface/problems.ts';
import { leaving } from '../surface/record.ts';
import { Problem } from './schemas.ts';

/** Every way in which the API refuses, in one sentence. No sentence repeats what was sent. */
const TITLES = {
  malformed_json: 'The body is not JSON.',
  not_signed_in: 'This needs the token of a sign-in that is still valid.',
  account_unknown: 'No account has this number.',
  not_found: 'There is nothing here.',
  method_not_allowed: 'This path does not know that method.',
  key_taken: 'Another licence uses this key. Make a new pair of keys.',
  too_many_keys: 'This licence has as many keys as it may. Remove one first.',
  too_large: 'The body is too large.',
  wrong_content_type: 'The body must be application/json.',
  invalid: 'The body or the query does not have the fields that this operation takes; see /openapi.json.',
  account_malformed: 'An account number has 20 letters and digits.',
  account_mistyped: 'The account number has a typing error.',
  key_malformed: 'This is not a WireGuard public key.',
  busy: 'Too many requests at the moment. Try again in a few seconds.',
  undeclared: 'The answer was held back: it had something in it that the privacy policy does not declare.',
  failed: 'Something went wrong on our side.',
  unavailable: 'The service is being restarted. Try again in a few seconds.',
  no_room: 'There is no room for another key at the moment.',
  full: 'The service has as many accounts as it takes. Try again tomorrow.',
} as const satisfies Partial<Record<ProblemCode, string>>;

export type ApiProblem = keyof typeof TITLES;

/** Seconds after which a client may ask again; for an account, housekeeping makes room once an hour. */
const RETRY_AFTER = '5';
const RETRY_FULL = '3600';

/** Of every answer of the API. They are given with it: to set them afterwards costs as much as all else together. */
export const API_HEADERS = headersOf("default-src 'none'; frame-ancestors 'none'");

/** The answer of RFC 9457. */
export function problemResponse(code: ApiProblem): Response {
  const status = PROBLEM_STATUS[code];
  const headers: Record<string, string> = { ...API_HEADERS, 'content-type': 'application/problem+json' };
  if (status === 401) headers['www-authenticate'] = 'Bearer';
  if (status === 429 || status === 503) headers['retry-after'] = code === 'full' ? RETRY_FULL : RETRY_AFTER;
  return new Response(leaving(Problem, { type: `/problems/${code}`, title: TITLES[code], status, code }), {
    status,
    headers,
  });
}

/** What a problem's `type` leads to: the same sentence, for a person. Hostile input: any code. */
export function problemPage(code: string): Response {
  if (!Object.hasOwn(TITLES, code)) return problemResponse('not_found');
  const known = code as ApiProblem;
  return new Response(`${TITLES[known]}\n\nHTTP ${PROBLEM_STATUS[known]} ${known}\n`, {
    headers: { ...API_HEADERS, 'content-type': 'text/plain; charset=utf-8' },
  });
}
