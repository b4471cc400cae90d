// SPDX-License-Identifier: AGPL-3.0-or-later
import { html } from 'hono/html';
import type { Device } from '../accounts/device.ts';
import type { Location, PublicGateway } from '../fleet/location.ts';
import { type Profile, shortName } from '../profiles/profile.ts';
import { deviceName } from './device-names.ts';
import { devicePath } from './devices.page.ts';
import { copied, type Html, NOTHING, type Page, prose, type View } from './frame.page.ts';
import { locationTiles } from './places.page.ts';

export interface Configuration extends Profile {
  readonly location: Location;
  readonly gateway: PublicGateway;
}

/** Which of the device's configurations are shown. */
export interface Shown {
  readonly locations: readonly Location[];
  readonly chosen: Location | undefined;
  /** Of the chosen location. */
  readonly configurations: readonly Configuration[];
}

/** The two lines in which gateways differ, so that a tunnel that is there can be moved without its private key. */
function move(view: View, { gateway }: Configuration): Html {
  const t = view.texts.device;
  return html`<h3>${t.move}</h3>
<p>${t.moveText}</p>
<dl>${copied(t.peer, gateway.wireguard.publicKey)}
${copied(t.endpoint, `${gateway.address4}:${gateway.wireguard.port}`)}</dl>`;
}

function configuration(view: View, path: string, item: Configuration, open: boolean): Html {
  const t = view.texts.device;
  const name = shortName(item.gateway);
  return html`<details${open ? html` open` : NOTHING}><summary>${item.location.name}, ${name}</summary><div>
<div data-configuration="${item.fileName}"><pre>${item.content}</pre>
<p><a class="button plain" href="${path}/${item.location.id}/${name}">${t.download} <code>${item.fileName}</code></a></p></div>
${move(view, item)}</div></details>`;
}

/** One device at one location: a configuration for each gateway. The script puts a key in that it made just now. */
export function devicePage(view: View, device: Device, { locations, chosen, configurations }: Shown): Page {
  const t = view.texts.device;
  const path = devicePath(device);
  return {
    title: t.title(deviceName(device.publicKey)),
    main: html`<dl>${copied(t.key, device.publicKey)}</dl>
<p class="note" data-key-note="${t.madeHere}" data-qr="${t.qr}" data-qr-hint="${t.qrHint}">${prose(t.putKey)}</p>
${locations.length === 0 ? html`<p>${view.texts.downloads.none}</p>` : NOTHING}
${locationTiles(view, locations, chosen, path)}
${configurations.map((item, index) => configuration(view, path, item, index === 0))}
${locations.length === 0 ? NOTHING : html`<p><a href="${path}/zip">${t.archive}</a></p>`}
<p><a href="/account/devices">${t.back}</a></p>`,
  };
}
