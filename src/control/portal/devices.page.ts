// SPDX-License-Identifier: AGPL-3.0-or-later
import { html } from 'hono/html';
import type { Device, DeviceRefusal } from '../accounts/device.ts';
import type { Location, PublicGateway } from '../fleet/location.ts';
import { type Profile, shortName } from '../profiles/profile.ts';
import { backLink, copied, formToken, type Html, NOTHING, type Page, prose, type View } from './frame.page.ts';
import type { Session } from './session.http.ts';

/** A public key as it is written in an address: base64url without padding. */
export function keyInPath(publicKey: string): string {
  return publicKey.replaceAll('+', '-').replaceAll('/', '_').replace(/=$/, '');
}

function listed(view: View, session: Session, device: Device): Html {
  const t = view.texts.devices;
  const name = `key-${keyInPath(device.publicKey)}`;
  return html`<li><span class="grow"><code id="${name}">${device.publicKey}</code></span>
<a href="/account/devices/${keyInPath(device.publicKey)}" aria-describedby="${name}">${t.open}</a>
<form method="post" action="/account/devices/remove">${formToken(session)}
<input type="hidden" name="publicKey" value="${device.publicKey}">
<button class="plain small" aria-describedby="${name}">${t.remove}</button></form></li>`;
}

function list(view: View, session: Session, devices: readonly Device[]): Html {
  const t = view.texts.devices;
  if (devices.length === 0) return html`<p>${t.none}</p>`;
  return html`<h2>${t.list}</h2>
<ul class="list">${devices.map((device) => listed(view, session, device))}</ul>
<p class="quiet">${t.removeNote}</p>`;
}

/** Adding a key works by pasting it; where JavaScript is on, the browser can make the pair. */
export function devicesPage(view: View, session: Session, devices: readonly Device[], refusal?: DeviceRefusal): Page {
  const t = view.texts.devices;
  const error =
    refusal === undefined ? NOTHING : html`<p id="key-error" class="note" role="alert">${t.refused[refusal]}</p>`;
  return {
    title: t.title,
    main: html`<p class="lead">${t.text}</p>
${list(view, session, devices)}
<h2>${t.addTitle}</h2>
<form method="post" action="/account/devices" data-make="${t.make}" data-make-note="${t.makeNote}" data-cannot-make="${t.cannotMake}">${formToken(session)}
<label for="publicKey">${t.label}</label>
<span id="key-hint" class="quiet">${prose(t.hint)}</span>
${error}
<input id="publicKey" name="publicKey" type="text" required maxlength="44" autocomplete="off" autocapitalize="off" autocorrect="off" spellcheck="false" aria-describedby="key-hint${refusal === undefined ? '' : ' key-error'}"${refusal === undefined ? NOTHING : html` aria-invalid="true"`}>
<button>${t.add}</button>
</form>
${backLink(view)}`,
  };
}

export interface Configuration extends Profile {
  readonly location: Location;
  readonly gateway: PublicGateway;
}

function configuration(view: View, path: string, item: Configuration, open: boolean): Html {
  const t = view.texts.device;
  const name = shortName(item.gateway);
  return html`<details${open ? html` open` : NOTHING}><summary>${item.location.name}, ${name}</summary><div data-configuration="${item.fileName}">
<pre>${item.content}</pre>
<p><a class="button plain" href="${path}/${item.location.id}/${name}">${t.download} <code>${item.fileName}</code></a></p>
</div></details>`;
}

/** One device with a configuration for each gateway. The script puts the private key in, if it made it just now. */
export function devicePage(view: View, device: Device, configurations: readonly Configuration[]): Page {
  const t = view.texts.device;
  const path = `/account/devices/${keyInPath(device.publicKey)}`;
  return {
    title: t.title,
    main: html`<dl>${copied(t.key, device.publicKey)}</dl>
<p class="note" data-key-note="${t.madeHere}" data-qr="${t.qr}" data-qr-hint="${t.qrHint}">${prose(t.putKey)}</p>
${configurations.length === 0 ? html`<p>${view.texts.downloads.none}</p>` : NOTHING}
${configurations.map((item, index) => configuration(view, path, item, index === 0))}
<p><a href="/account/devices">${t.back}</a></p>`,
  };
}
