// SPDX-License-Identifier: AGPL-3.0-or-later
import { html } from 'hono/html';
import type { Location } from '../fleet/location.ts';
import { type ProfileMaterial, shortName } from '../profiles/profile.ts';
import { windowsCommands } from '../profiles/windows.ts';
import { systemTiles } from './account.page.ts';
import { backLink, type Html, NOTHING, type Page, prose, type View } from './frame.page.ts';
import type { Method, System, Take } from './howtos.ts';
import type { Texts } from './texts.ts';

/** A file that a customer can take, and the programs that read it. */
interface Offer {
  readonly href: string;
  readonly label: string;
  readonly apps: string;
}

/** The files of one location for each way to connect. WireGuard has files by device, the Windows way has commands. */
const OFFERS: Readonly<Record<Take, (t: Texts['downloads'], location: Location) => readonly Offer[]>> = {
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
  wireguard: () => [],
};

function listed({ href, label, apps }: Offer): Html {
  return html`<li><a href="${href}">${label}</a><span class="quiet">${apps}</span></li>`;
}

function authorityOffer(view: View): Offer {
  const t = view.texts.downloads;
  return { href: '/download/authority', label: t.authority, apps: t.authorityApps };
}

function commands(view: View, material: ProfileMaterial, location: Location): Html {
  const label = `${view.texts.downloads.windows}, ${location.name}`;
  return html`<p>${label}</p>
<pre class="copy" data-copyable="${label}">${windowsCommands(material, location)}</pre>`;
}

/** What one way to connect takes: files by location, and where it is so the authority, or commands. */
function takings(view: View, material: ProfileMaterial, locations: readonly Location[], take: Take): Html {
  if (locations.length === 0) return html`<p>${view.texts.downloads.none}</p>`;
  if (take === 'wireguard') return html`<p><a href="/account/devices">${view.texts.devices.title}</a></p>`;
  const offers = locations.flatMap((location) =>
    OFFERS[take](view.texts.downloads, location).map(
      ({ href, label }) => html`<li><a href="${href}">${location.name}: ${label}</a></li>`,
    ),
  );
  const authority = take === 'windows' || take === 'swanctl' ? listed(authorityOffer(view)) : NOTHING;
  return html`<ul class="list">${offers}${authority}</ul>
${take === 'windows' ? locations.map((location) => commands(view, material, location)) : NOTHING}`;
}

function method(view: View, material: ProfileMaterial, locations: readonly Location[], way: Method): Html {
  const t = view.texts.connect;
  const files =
    view.session === undefined
      ? html`<p><a href="/sign-in">${t.signIn}</a></p>`
      : takings(view, material, locations, way.take);
  return html`<section class="card"><h2>${way.title}</h2>
${way.caution === undefined ? NOTHING : html`<p class="note"><strong>${t.caution}:</strong> ${prose(way.caution)}</p>`}
<ol>${way.steps.map((step) => html`<li>${prose(step)}</li>`)}</ol>
${files}</section>`;
}

/** How to connect on one system: the ways there are, short steps, and the files beside them. */
export function connectPage(
  view: View,
  system: System,
  material: ProfileMaterial,
  locations: readonly Location[],
  credentials: boolean,
): Page {
  const t = view.texts.connect;
  const { name, methods } = view.texts.howtos[system];
  return {
    title: t.title(name),
    main: html`<p>${t.choose}</p>
${
  view.session === undefined
    ? NOTHING
    : html`<p>${t.login(credentials)} <a href="/account/credentials">${t.loginLink(credentials)}</a>.</p>`
}
${methods.map((way) => method(view, material, locations, way))}
<h2>${t.others}</h2>
${systemTiles(view, system)}`,
  };
}

const EVERYTHING = ['openvpn', 'apple', 'android', 'swanctl'] as const;

/** Every file of every location, and the apps that read it. */
export function downloadsPage(view: View, locations: readonly Location[]): Page {
  const t = view.texts.downloads;
  const place = (location: Location) => html`<h2>${location.name}</h2>
<ul class="list">${EVERYTHING.flatMap((take) => OFFERS[take](t, location).map((offer) => listed(offer)))}
${listed({ href: '/account/devices', label: t.wireguard, apps: t.wireguardApps })}</ul>`;
  return {
    title: t.title,
    main: html`<p>${t.text}</p>
${locations.length === 0 ? html`<p>${t.none}</p>` : NOTHING}
${locations.map(place)}
<h2>${t.authority}</h2>
<ul class="list">${listed(authorityOffer(view))}</ul>
${backLink(view)}`,
  };
}
