// SPDX-License-Identifier: AGPL-3.0-or-later
import { html } from 'hono/html';
import type { AccountNumber } from '../accounts/account.ts';
import { backLink, formToken, type Html, NOTHING, onceField, type Page, type View } from './frame.page.ts';
import type { Session } from './session.http.ts';
import { keptNumber } from './welcome.page.ts';

/** What a customer can end: other sign-ins, the present number, the account. `ended`: the others were ended just now. */
export function managePage(view: View, session: Session, ended: boolean): Page {
  const t = view.texts.manage;
  return {
    title: t.title,
    main: html`${ended ? html`<p class="note" role="status">${t.ended}</p>` : NOTHING}
<h2>${t.othersTitle}</h2>
<p>${t.others}</p>
<form method="post" action="/account/manage/others">${formToken(session)}<button class="plain">${t.othersSubmit}</button></form>
<h2>${t.number.title}</h2>
<p>${t.numberWhy}</p>
<p><a href="/account/manage/number">${t.number.title}</a></p>
<h2>${t.close.title}</h2>
<p>${t.closeWhy}</p>
<p><a href="/account/manage/close">${t.close.title}</a></p>
${backLink(view)}`,
  };
}

interface Asked {
  readonly title: string;
  readonly text: string;
  readonly submit: string;
  readonly cancel: string;
}

function asked(words: Asked, action: string, fields: Html, note: Html = NOTHING): Page {
  return {
    title: words.title,
    main: html`${note}
<p class="lead">${words.text}</p>
<form method="post" action="${action}">${fields}<button>${words.submit}</button></form>
<p><a href="/account/manage">${words.cancel}</a></p>`,
  };
}

/** Asks once more. `stale`: a form was sent that may not change anything any more. */
export function numberPage(view: View, session: Session, once: string, stale: boolean): Page {
  const t = view.texts.manage.number;
  const note = stale ? html`<p class="note" role="status">${t.stale}</p>` : NOTHING;
  return asked(t, '/account/manage/number', html`${formToken(session)}${onceField(once)}`, note);
}

/** The new number. The same form, sent again, shows the same page. */
export function freshNumberPage(view: View, session: Session, number: AccountNumber, once: string): Page {
  const t = view.texts.manage;
  return {
    title: t.fresh.title,
    main: html`<p class="lead">${t.fresh.text}</p>
${keptNumber(view, session, { number, once, file: '/account/manage/number/file' })}`,
  };
}

/** Asks once more, and says what will be gone. */
export function closePage(view: View, session: Session): Page {
  return asked(view.texts.manage.close, '/account/manage/close', formToken(session));
}

export function closedPage(view: View): Page {
  const t = view.texts.manage.closed;
  return { title: t.title, main: html`<p class="lead">${t.text}</p><p><a href="/">${view.texts.frame.start}</a></p>` };
}
