// SPDX-License-Identifier: AGPL-3.0-or-later
import { html } from 'hono/html';
import type { Device } from '../accounts/device.ts';
import type { Location, PublicGateway } from '../fleet/location.ts';
import { type Profile, shortName } from '../profiles/profile.ts';
import { deviceName } from './device-names.ts';
import { devicePath } from './devices.page.ts';
import { copied, type Html, NOTHING, type Page, prose, type View } from './frame.page.ts';

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
  const path = devicePath(device);
  return {
    title: t.title(deviceName(device.publicKey)),
    main: html`<dl>${copied(t.key, device.publicKey)}</dl>
<p class="note" data-key-note="${t.madeHere}" data-qr="${t.qr}" data-qr-hint="${t.qrHint}">${prose(t.putKey)}</p>
${configurations.length === 0 ? html`<p>${view.texts.downloads.none}</p>` : NOTHING}
${configurations.map((item, index) => configuration(view, path, item, index === 0))}
<p><a href="/account/devices">${t.back}</a></p>`,
  };
}
