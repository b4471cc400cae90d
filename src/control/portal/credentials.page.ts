// SPDX-License-Identifier: AGPL-3.0-or-later
import { html } from 'hono/html';
import type { VpnCredentials } from '../accounts/credential.ts';
import type { Location } from '../fleet/location.ts';
import { copied, formToken, type Html, NOTHING, onceField, type Page, type View } from './frame.page.ts';
import { locationField } from './places.page.ts';
import type { Session } from './session.http.ts';

/** Files with the login inside, for the length of this page. A button for each kind; the form says which password. */
function filled(view: View, session: Session, locations: readonly Location[], credentials: VpnCredentials): Html {
  const t = view.texts.credentials;
  if (locations.length === 0) return NOTHING;
  const form = (id: string, password: string, buttons: Readonly<Record<string, string>>) => html`<form method="post">
${formToken(session)}
<input type="hidden" name="username" value="${credentials.username}">
<input type="hidden" name="password" value="${password}">
${locationField(view, locations, id)}
<p>${Object.entries(buttons).map(([kind, label]) => html`<button class="plain" formaction="/download/${kind}">${label}</button> `)}</p></form>`;
  return html`<details><summary>${t.filledTitle}</summary><div><p>${t.filledText}</p>
<p class="note"><strong>${view.texts.connect.caution}:</strong> ${t.filledCaution}</p>
<h2>${t.appleTitle}</h2>
${form('apple-location', credentials.ikePassword, { apple: t.appleSubmit })}
<h2>${t.openvpnTitle}</h2>
<p>${t.openvpnText}</p>
${form('openvpn-location', credentials.password, { 'openvpn-udp': t.openvpnUdp, 'openvpn-tcp': t.openvpnTcp })}</div></details>`;
}

/** What the page of the form is drawn from. */
export interface CredentialsForm {
  /** Whether the customer has some already, which will stop working. */
  readonly present: boolean;
  readonly once: string;
  /** A form was sent that may not change anything any more. */
  readonly stale?: boolean;
}

/** Makes the first ones, or asks once more and names what will stop working. */
export function rotatePage(view: View, session: Session, { present, once, stale = false }: CredentialsForm): Page {
  const t = view.texts.credentials;
  const words = present ? t.again : t.first;
  return {
    title: words.title,
    main: html`${stale ? html`<p class="note" role="status">${t.stale}</p>` : NOTHING}
<p class="lead">${words.text}</p>
<form method="post" action="/account/credentials">${formToken(session)}${onceField(once)}<button>${words.submit}</button></form>
<p><a href="/account">${words.cancel}</a></p>`,
  };
}

/** New ones. The same form, sent again, shows the same page. */
export function freshCredentialsPage(
  view: View,
  session: Session,
  credentials: VpnCredentials,
  locations: readonly Location[],
): Page {
  const t = view.texts.credentials;
  return {
    title: t.freshTitle,
    main: html`<p>${t.once} ${t.shared}</p>
<dl>
${copied(t.username, credentials.username)}
${copied(t.password, credentials.password)}
${copied(t.ikePassword, credentials.ikePassword)}
</dl>
<p class="quiet">${t.soon}</p>
${filled(view, session, locations, credentials)}
<p><a class="button" href="/account">${t.onward}</a></p>`,
  };
}
