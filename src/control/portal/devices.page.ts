// SPDX-License-Identifier: AGPL-3.0-or-later
import { html } from 'hono/html';
import type { Device, DeviceRefusal } from '../accounts/device.ts';
import { mostDevices } from '../accounts/device-service.ts';
import type { Location } from '../fleet/location.ts';
import { deviceName } from './device-names.ts';
import { backLink, errorNote, formToken, type Html, NOTHING, type Page, prose, type View } from './frame.page.ts';
import { locationField } from './places.page.ts';
import type { Session } from './session.http.ts';

/** A public key as it is written in an address: base64url without padding. */
export function keyInPath(publicKey: string): string {
  return publicKey.replaceAll('+', '-').replaceAll('/', '_').replace(/=$/, '');
}

export function devicePath(device: Device): string {
  return `/account/devices/${keyInPath(device.publicKey)}`;
}

function listed(view: View, device: Device): Html {
  const t = view.texts.devices;
  const name = `key-${keyInPath(device.publicKey)}`;
  return html`<li><span class="grow"><strong id="${name}">${deviceName(device.publicKey)}</strong><br><code class="quiet">${device.publicKey}</code></span>
<a href="${devicePath(device)}" aria-describedby="${name}">${t.open}</a>
<a href="${devicePath(device)}/remove" aria-describedby="${name}">${t.remove}</a></li>`;
}

function list(view: View, devices: readonly Device[]): Html {
  const t = view.texts.devices;
  if (devices.length === 0) return html`<p>${t.none}</p>`;
  return html`<h2>${t.list}</h2>
<ul class="list">${devices.map((device) => listed(view, device))}</ul>`;
}

/** What the page is drawn from. */
export interface DevicesNow {
  readonly devices: readonly Device[];
  readonly locations: readonly Location[];
  /** The key that was sent just now and not taken. */
  readonly refused?: { readonly why: DeviceRefusal; readonly typed: string };
}

/** Adding a key works by pasting it; where JavaScript is on, the browser can make the pair, and that is the main button. */
export function devicesPage(view: View, session: Session, { devices, locations, refused }: DevicesNow): Page {
  const t = view.texts.devices;
  const { licence } = session.customer;
  const error = refused === undefined ? NOTHING : errorNote(view, 'key-error', t.refused[refused.why]);
  return {
    title: t.title,
    error: refused !== undefined,
    main: html`<p class="lead">${t.text}</p>
<p>${t.limits(licence.seats, mostDevices(licence))}</p>
${list(view, devices)}
<h2>${t.addTitle}</h2>
<form method="post" action="/account/devices" data-make="${t.make}" data-make-note="${t.makeNote}" data-cannot-make="${t.cannotMake}">${formToken(session)}
<label for="publicKey">${t.label}</label>
<span id="key-hint" class="quiet">${prose(t.hint)}</span>
${error}
<input id="publicKey" name="publicKey" type="text" required maxlength="200" autocomplete="off" autocapitalize="off" autocorrect="off" spellcheck="false" value="${refused?.typed ?? ''}" aria-describedby="key-hint${refused === undefined ? '' : ' key-error'}"${refused === undefined ? NOTHING : html` aria-invalid="true" autofocus`}>
${locationField(view, locations, 'location')}
<button>${t.add}</button>
</form>
${backLink(view)}`,
  };
}

/** Asks once more, and says which key and what will happen. */
export function removePage(view: View, session: Session, device: Device): Page {
  const t = view.texts.devices;
  const name = deviceName(device.publicKey);
  return {
    title: t.removeTitle(name),
    main: html`<p class="lead">${t.removeNote}</p>
<p><code>${device.publicKey}</code></p>
<form method="post" action="/account/devices/remove">${formToken(session)}
<input type="hidden" name="publicKey" value="${device.publicKey}">
<button>${t.removeSubmit(name)}</button></form>
<p><a href="/account/devices">${t.removeCancel}</a></p>`,
  };
}
