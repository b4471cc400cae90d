// SPDX-License-Identifier: AGPL-3.0-or-later
import { html } from 'hono/html';
import type { SignInRefusal } from '../accounts/account.ts';
import type { Location } from '../fleet/location.ts';
import type { Facts } from './facts.ts';
import type { Html, Page, View } from './frame.page.ts';
import { errorNote, NOTHING, onceField, proofField } from './frame.page.ts';
import type { PageProblem } from './problems.ts';

function bullets(items: readonly string[]): Html {
  return html`<ul>${items.map((item) => html`<li>${item}</li>`)}</ul>`;
}

function createForm(view: View, label: string, once: string): Html {
  return html`<form method="post" action="/sign-up">${proofField(view)}${onceField(once)}<button>${label}</button></form>`;
}

/** What a customer wants to know first, as far as it was decided. */
function facts({ texts }: View, said: Facts, locations: readonly Location[]): Html {
  const { trial, price, operator, contact } = said;
  const t = texts.home.facts;
  const missing = (['operator', 'price', 'contact'] as const).filter((name) => said[name] === undefined);
  const lines = [
    trial && t.trial(trial.days, trial.seats),
    price && t.price(price),
    locations.length > 0 && t.places(locations.length, [...new Set(locations.map(({ country }) => country))]),
    t.devices,
    operator && t.operator(operator),
    missing.length > 0 && t.notSaid(missing.map((name) => t.unsaid[name])),
  ].filter((line) => typeof line === 'string' && line !== '');
  const write = contact && html`<li><a href="${contact}" rel="external noreferrer">${t.contact}</a></li>`;
  return html`<ul>${lines.map((line) => html`<li>${line}</li>`)}${write ?? NOTHING}</ul>`;
}

export function homePage(view: View, once: string, said: Facts = {}, locations: readonly Location[] = []): Page {
  const { texts, session } = view;
  const t = texts.home;
  const action =
    session === undefined
      ? html`${createForm(view, t.create, once)}<p class="quiet">${t.free}</p>`
      : html`<p><a class="button" href="/account">${texts.account.title}</a></p>`;
  return {
    title: t.title,
    main: html`<p class="lead">${t.lead}</p>
${action}
${facts(view, said, locations)}
<h2>${t.keepsTitle}</h2>
${bullets(t.keeps)}
<p>${t.keepsMore} <a href="/privacy">${t.everyField}</a></p>
<h2>${t.cannotTitle}</h2>
${bullets(t.cannot)}`,
  };
}

/** `notice`: a form was sent that makes no account, or none any more. */
export function signUpPage(view: View, once: string, notice?: 'stale' | 'used'): Page {
  const { texts } = view;
  const t = texts.signUp;
  return {
    title: t.title,
    main: html`${notice === undefined ? NOTHING : html`<p class="note" role="status">${t[notice]}</p>`}
<p class="lead">${t.text}</p>
${createForm(view, t.submit, once)}
<p>${t.have} <a href="/sign-in">${texts.signIn.submit}</a></p>`,
  };
}

/** Nothing longer is given back to the field. */
const LONGEST = 200;

export function signInPage(view: View, notice?: SignInRefusal | 'expired', typed = ''): Page {
  const { texts } = view;
  const t = texts.signIn;
  const refusal = notice === undefined || notice === 'expired' ? undefined : t.refused[notice];
  return {
    title: t.title,
    error: refusal !== undefined,
    main: html`${notice === 'expired' ? html`<p class="note" role="status">${t.expired}</p>` : NOTHING}
<form method="post" action="/sign-in">${proofField(view)}
<label for="number">${t.label}</label>
<span id="number-hint" class="quiet">${t.hint}</span>
${refusal === undefined ? NOTHING : errorNote(view, 'number-error', refusal)}
<input id="number" name="number" type="text" required maxlength="200" autocomplete="username" autocapitalize="characters" autocorrect="off" spellcheck="false" value="${typed.slice(0, LONGEST)}" aria-describedby="number-hint${refusal === undefined ? '' : ' number-error'}"${refusal === undefined ? NOTHING : html` aria-invalid="true" autofocus`}>
<button>${t.submit}</button>
</form>
<p>${t.none} <a href="/sign-up">${texts.signUp.title}</a></p>`,
  };
}

/** Says no, and where to go from there. */
export function problemPage({ texts, session }: View, code: PageProblem): Page {
  const { title, text, next } = texts.problems[code];
  const t = texts.frame;
  const start = { label: t.start, path: '/' };
  const own = session === undefined ? { label: t.signIn, path: '/sign-in' } : { label: t.account, path: '/account' };
  const ways = [...(next === undefined ? [] : [next]), start, own];
  const shown = ways.filter((way, index) => ways.findIndex(({ path }) => path === way.path) === index);
  return {
    title,
    main: html`<p class="lead">${text}</p>
<h2>${t.onward}</h2>
<ul>${shown.map((way) => html`<li><a href="${way.path}">${way.label}</a></li>`)}</ul>`,
  };
}
