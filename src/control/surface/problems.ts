// SPDX-License-Identifier: AGPL-3.0-or-later

/** Every way in which pages and API refuse, with the HTTP status. Each surface has its own words for those it uses. */
export const PROBLEM_STATUS = {
  malformed_json: 400,
  malformed_form: 400,
  not_signed_in: 401,
  account_unknown: 401,
  forged: 403,
  outdated: 409,
  not_found: 404,
  method_not_allowed: 405,
  key_taken: 409,
  too_many_keys: 409,
  too_large: 413,
  wrong_content_type: 415,
  invalid: 422,
  account_malformed: 422,
  account_mistyped: 422,
  key_malformed: 422,
  busy: 429,
  undeclared: 500,
  failed: 500,
  unavailable: 503,
  no_room: 503,
  full: 503,
} as const;

export type ProblemCode = keyof typeof PROBLEM_STATUS;
