// SPDX-License-Identifier: AGPL-3.0-or-later
import { html } from 'hono/html';
import type { AccountNumber } from '../accounts/account.ts';
import { type Profile, stem } from '../profiles/profile.ts';
import { copied, formToken, type Html, onceField, type Page, type View } from './frame.page.ts';
import type { Session } from './session.http.ts';
import type { Texts } from './texts.ts';

/**
 * What a password manager takes from a form that is sent: a username and a new password. The fields are not seen, and no
 * keyboard reaches them. The server reads neither.
 */
function forPasswordManagers(number: AccountNumber): Html {
  return html`<div class="unseen" aria-hidden="true">
<input name="username" type="text" tabindex="-1" autocomplete="username" value="${number}">
<input name="password" type="password" tabindex="-1" autocomplete="new-password" value="${number}"></div>`;
}

/** A new number, and ways to keep it. `once` is the form that made it, `file` where the number is had as a text file. */
export function keptNumber(
  view: View,
  session: Session,
  { number, once, file }: { readonly number: AccountNumber; readonly once: string; readonly file: string },
): Html {
  const t = view.texts.welcome;
  return html`<dl>${copied(t.numberTitle, number, 'number')}</dl>
<form method="post" action="${file}" class="screen" data-print="${t.print}">${formToken(session)}${onceField(once)}<button class="plain">${t.file}</button></form>
<p class="quiet screen">${t.again}</p>
<form method="post" action="/account/kept" class="screen">${formToken(session)}${forPasswordManagers(number)}
<button>${t.onward}</button></form>`;
}

/** The first number. The form that made it shows the same page when it is sent again. */
export function welcomePage(view: View, session: Session, number: AccountNumber, once: string): Page {
  const t = view.texts.welcome;
  return {
    title: t.title,
    main: html`<p class="lead">${t.number}</p>
${keptNumber(view, session, { number, once, file: '/sign-up/file' })}`,
  };
}

/** The number as a file, to be kept on a disk or on paper. `origin` is where the portal is. */
export function numberFile(texts: Texts, service: string, number: AccountNumber, origin: string): Profile {
  return {
    fileName: `${stem(service, 24)}-account-number.txt`,
    contentType: 'text/plain; charset=utf-8',
    content: texts.welcome.fileText(service, number, `${origin}/sign-in`),
  };
}
