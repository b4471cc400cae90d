// SPDX-License-Identifier: AGPL-3.0-or-later
import type { ProblemCode } from '../surface/problems.ts';

/** What a page says that refuses, and where to go from there. */
export interface ProblemText {
  readonly title: string;
  readonly text: string;
  readonly next?: { readonly label: string; readonly path: string };
}

/** Every way in which the portal says no, in English. */
export const PROBLEMS = {
  malformed_form: {
    title: 'We could not read that form',
    text: 'Nothing was changed. Go back, reload the page and send the form again.',
  },
  forged: {
    title: 'That form did not come from this site',
    text: 'Another site made your browser send it. Nothing was changed. If you pressed a button of ours, open the page anew and press it again.',
    next: { label: 'Start page', path: '/' },
  },
  outdated: {
    title: 'You have signed in anew since you opened that page',
    text: 'The page was of an earlier sign-in, perhaps of another account. Nothing was changed. Open the page anew to go on.',
    next: { label: 'Your account', path: '/account' },
  },
  not_found: {
    title: 'There is no such page',
    text: 'The address may be mistyped, or the page has been removed.',
  },
  too_large: {
    title: 'That form was too large',
    text: 'It was larger than any of ours. Nothing was changed.',
  },
  busy: {
    title: 'Please wait a moment',
    text: 'Too many people are asking for the same thing right now. We do not count by address, so everyone waits. Try again in a minute.',
  },
  full: {
    title: 'This service takes no new accounts right now',
    text: 'It has as many as it can serve. Nothing was made, and nothing about you was written down. Accounts that have ended make room again: try tomorrow. If you have a number, it works as before.',
    next: { label: 'Sign in', path: '/sign-in' },
  },
  failed: {
    title: 'Something broke on our side',
    text: 'It is not your fault, and nothing about you was written down. Try again in a while.',
  },
  unavailable: {
    title: 'The service is starting again',
    text: 'It will be back in a moment. Your VPN goes on meanwhile. Wait ten seconds, then reload this page.',
  },
} as const satisfies Partial<Record<ProblemCode, ProblemText>>;

export type PageProblem = keyof typeof PROBLEMS;
