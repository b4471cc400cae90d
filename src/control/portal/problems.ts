// SPDX-License-Identifier: AGPL-3.0-or-later
import type { ProblemCode } from '../surface/problems.ts';

/** Every way in which the portal says no, in English. */
export const PROBLEMS = {
  malformed_form: {
    title: 'We could not read that form',
    text: 'Nothing was changed. Go back, reload the page and send the form again.',
  },
  forged: {
    title: 'That form did not come from this site',
    text: 'Nothing was changed. Go back, reload the page and send the form again. Very old browsers do not say where a form comes from, and are refused.',
  },
  not_found: {
    title: 'There is no such page',
    text: 'The address may be mistyped, or what it led to was removed.',
  },
  too_large: {
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
} as const satisfies Partial<Record<ProblemCode, { readonly title: string; readonly text: string }>>;

export type PageProblem = keyof typeof PROBLEMS;
