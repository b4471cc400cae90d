// SPDX-License-Identifier: AGPL-3.0-or-later
import { html } from 'hono/html';
import type { SignUp } from '../accounts/account.ts';
import type { VpnCredentials } from '../accounts/credential.ts';
import type { Location } from '../fleet/location.ts';
import { copied, formToken, type Html, NOTHING, type Page, type View } from './frame.page.ts';
import type { Session } from './session.http.ts';

function appleForm(view: View, session: Session, location: Location, credentials: VpnCredentials): Html {
  return html`<form method="post" action="/download/${location.id}/apple">${formToken(session)}
<input type="hidden" name="username" value="${credentials.username}">
<input type="hidden" name="password" value="${credentials.ikePassword}">
<button class="plain">${view.texts.credentials.appleSubmit(location.name)}</button></form>`;
}

function apple(view: View, session: Session, locations: readonly Location[], credentials: VpnCredentials): Html {
  const t = view.texts.credentials;
  if (locations.length === 0) return NOTHING;
  return html`<details><summary>${t.appleTitle}</summary><div><p>${t.appleText}</p>
${locations.map((location) => appleForm(view, session, location, credentials))}</div></details>`;
}

function secrets(view: View, credentials: VpnCredentials): Html {
  const t = view.texts.credentials;
  return html`<p>${t.once} ${t.shared}</p>
<dl>
${copied(t.username, credentials.username)}
${copied(t.password, credentials.password)}
${copied(t.ikePassword, credentials.ikePassword)}
</dl>`;
}

/** The one time that the number and the first credentials are seen. */
export function welcomePage(view: View, session: Session, made: SignUp, locations: readonly Location[]): Page {
  const t = view.texts.welcome;
  return {
    title: t.title,
    main: html`<p class="lead">${t.number}</p>
<dl>${copied(t.numberTitle, made.accountNumber, 'number')}</dl>
<h2>${view.texts.account.credentials}</h2>
${secrets(view, made.credentials)}
${apple(view, session, locations, made.credentials)}
<p><a class="button" href="/account">${t.onward}</a></p>`,
  };
}

/** Asks once more, and names what will stop working. */
export function rotatePage(view: View, session: Session): Page {
  const t = view.texts.credentials;
  return {
    title: t.title,
    main: html`<p class="lead">${t.consequence}</p>
<form method="post" action="/account/credentials">${formToken(session)}<button>${t.submit}</button></form>
<p><a href="/account">${t.cancel}</a></p>`,
  };
}

export function freshCredentialsPage(
  view: View,
  session: Session,
  credentials: VpnCredentials,
  locations: readonly Location[],
): Page {
  const t = view.texts.credentials;
  return {
    title: t.freshTitle,
    main: html`${secrets(view, credentials)}
${apple(view, session, locations, credentials)}
<p><a class="button" href="/account">${t.onward}</a></p>`,
  };
}
