// SPDX-License-Identifier: AGPL-3.0-or-later

/** Everything that the portal can say no with, and the HTTP status of each. */
export const PROBLEM_STATUS = {
  malformed: 400,
  forged: 403,
  absent: 404,
  large: 413,
  busy: 429,
  failed: 500,
} as const;

export type ProblemCode = keyof typeof PROBLEM_STATUS;

/** The English words for each. */
export const PROBLEMS: Readonly<Record<ProblemCode, { readonly title: string; readonly text: string }>> = {
  malformed: {
    title: 'We could not read that form',
    text: 'Nothing was changed. Go back, reload the page and send the form again.',
  },
  forged: {
    title: 'That form did not come from this site',
    text: 'Nothing was changed. Go back, reload the page and send the form again. Very old browsers do not say where a form comes from, and are refused.',
  },
  absent: {
    title: 'There is no such page',
    text: 'The address may be mistyped, or what it led to was removed.',
  },
  large: {
    title: 'That was too much',
    text: 'The form was larger than any of ours. Nothing was changed.',
  },
  busy: {
    title: 'Please wait a moment',
    text: 'Too many people ask for the same thing now. We do not count per address, so everyone waits. Try again in a minute.',
  },
  failed: {
    title: 'Something broke on our side',
    text: 'It is not your fault, and nothing about you was written down. Try again in a while.',
  },
};
