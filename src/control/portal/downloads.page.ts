// SPDX-License-Identifier: AGPL-3.0-or-later
import { html } from 'hono/html';
import type { Location } from '../fleet/location.ts';
import { shortName } from '../profiles/profile.ts';
import { backLink, type Html, NOTHING, type Page, type View } from './frame.page.ts';
import type { Take } from './howtos.ts';
import { locationTiles } from './places.page.ts';
import type { Texts } from './texts.ts';

/** A file that a customer can take: the devices that read it come first, then the programs. */
interface Offer {
  readonly href: string;
  readonly label: string;
  readonly apps: string;
}

/** The files of one location for each way to connect. WireGuard has files by device, the Windows way has commands. */
export const OFFERS: Readonly<Record<Take, (t: Texts['downloads'], location: Location) => readonly Offer[]>> = {
  openvpn: (t, { id }) => [
    { href: `/download/${id}/openvpn-udp`, label: t.udp, apps: t.udpApps },
    { href: `/download/${id}/openvpn-tcp`, label: t.tcp, apps: t.tcpApps },
  ],
  apple: (t, { id }) => [{ href: `/download/${id}/apple`, label: t.apple, apps: t.appleApps }],
  android: (t, { id, gateways }) =>
    gateways.map((gateway) => ({
      href: `/download/${id}/android/${shortName(gateway)}`,
      label: gateways.length === 1 ? t.android : `${t.android}, ${shortName(gateway)}`,
      apps: t.androidApps,
    })),
  swanctl: (t, { id }) => [{ href: `/download/${id}/swanctl`, label: t.swanctl, apps: t.swanctlApps }],
  windows: () => [],
  wireguard: (t) => [{ href: '/account/devices', label: t.wireguard, apps: t.wireguardApps }],
};

/** What there is as one archive of all locations. */
export const ARCHIVES = ['openvpn', 'apple', 'android', 'swanctl'] as const;
export type Archive = (typeof ARCHIVES)[number];

export function listed({ href, label, apps }: Offer): Html {
  return html`<li><a href="${href}">${label}</a><span class="quiet">${apps}</span></li>`;
}

export function authorityOffer(view: View): Offer {
  const t = view.texts.downloads;
  return { href: '/download/authority', label: t.authority, apps: t.authorityApps };
}

function archives(view: View): Html {
  const t = view.texts.downloads;
  return html`<h2>${t.archives}</h2>
<ul class="list">${ARCHIVES.map((kind) => html`<li><a href="/download/zip/${kind}">${t.archive[kind]}</a></li>`)}</ul>`;
}

/** Every file of one location, and archives of all. */
export function downloadsPage(view: View, locations: readonly Location[], chosen: Location | undefined): Page {
  const t = view.texts.downloads;
  const files = (location: Location) =>
    Object.values(OFFERS).flatMap((offers) => offers(t, location).map((offer) => listed(offer)));
  return {
    title: t.title,
    main: html`<p>${t.text}</p>
${locations.length === 0 ? html`<p>${t.none}</p>` : NOTHING}
${locationTiles(view, locations, chosen, '/account/downloads')}
${chosen === undefined ? NOTHING : html`<ul class="list">${files(chosen)}</ul>`}
${locations.length === 0 ? NOTHING : archives(view)}
<h2>${t.certificate}</h2>
<ul class="list">${listed(authorityOffer(view))}</ul>
${backLink(view)}`,
  };
}
