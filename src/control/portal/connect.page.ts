// SPDX-License-Identifier: AGPL-3.0-or-later
import { html } from 'hono/html';
import type { Location } from '../fleet/location.ts';
import type { ProfileMaterial } from '../profiles/profile.ts';
import { windowsCommands } from '../profiles/windows.ts';
import { systemTiles } from './account.page.ts';
import type { App } from './apps.ts';
import { authorityOffer, listed, OFFERS } from './downloads.page.ts';
import { type Html, NOTHING, type Page, prose, type View } from './frame.page.ts';
import type { Method, System, Take } from './howtos.ts';
import { locationTiles } from './places.page.ts';

/** What the page of a system is drawn from. */
export interface Connecting {
  readonly material: ProfileMaterial;
  readonly locations: readonly Location[];
  readonly chosen: Location | undefined;
  /** Whether the customer has a VPN username and passwords. */
  readonly credentials: boolean;
  /** Connections that are open now. */
  readonly used: number;
}

function commands(view: View, material: ProfileMaterial, location: Location): Html {
  const label = `${view.texts.downloads.windows}, ${location.name}`;
  return html`<p>${label}</p>
<pre class="copy" data-copyable="${label}">${windowsCommands(material, location)}</pre>`;
}

/** What one way to connect takes: files of the chosen location, and where it is so the authority, or commands. */
function takings(view: View, { material, locations, chosen }: Connecting, take: Take): Html {
  if (locations.length === 0) return html`<p>${view.texts.downloads.none}</p>`;
  if (take === 'wireguard') return html`<p><a href="/account/devices">${view.texts.devices.title}</a></p>`;
  if (chosen === undefined) return html`<p class="quiet">${view.texts.places.above}</p>`;
  const authority = take === 'windows' || take === 'swanctl' ? listed(authorityOffer(view)) : NOTHING;
  return html`<ul class="list">${OFFERS[take](view.texts.downloads, chosen).map(listed)}${authority}</ul>
${take === 'windows' ? commands(view, material, chosen) : NOTHING}`;
}

function method(view: View, now: Connecting, way: Method): Html {
  const t = view.texts.connect;
  const files =
    view.session === undefined ? html`<p><a href="/sign-in">${t.signIn}</a></p>` : takings(view, now, way.take);
  return html`<section class="card"><h2>${way.title}</h2>
${apps(view, way.apps)}
${way.caution === undefined ? NOTHING : html`<p class="note"><strong>${t.caution}:</strong> ${prose(way.caution)}</p>`}
<ol>${way.steps.map((step) => html`<li>${prose(step)}</li>`)}</ol>
${files}
<p class="quiet"><strong>${t.dropsTitle}</strong> ${prose(way.drops)}</p></section>`;
}

function appLink({ name, url }: App): Html {
  return html`<a href="${url}" rel="external noreferrer">${name}</a> `;
}

/** Where its makers hand the app out. The browser is told not to say where it comes from. */
function apps(view: View, links: Method['apps']): Html {
  if (links.length === 0) return NOTHING;
  return html`<p>${view.texts.connect.apps} ${links.map(appLink)}</p>`;
}

/** The gateway itself answers inside the tunnel, so that no page has to ask where a customer comes from. */
function worked(view: View, path: string, { material, used }: Connecting): Html {
  const t = view.texts.connect;
  const { service4, heartbeatPort } = material.inside;
  const inside = `http://${service4}:${heartbeatPort}/`;
  const seats = view.session?.customer.licence.seats;
  return html`<h2>${t.workedTitle}</h2>
<p>${t.worked} <a href="${inside}" rel="external noreferrer">${inside}</a></p>
${seats === undefined ? NOTHING : html`<p>${t.workedSeats(used, seats)} <a href="${path}">${t.workedAgain}</a></p>`}`;
}

function forCustomers(view: View, system: System, { locations, chosen, credentials }: Connecting): Html {
  const t = view.texts.connect;
  if (view.session === undefined) return NOTHING;
  return html`<p>${t.login(credentials)} <a href="/account/credentials">${t.loginLink(credentials)}</a>.</p>
${locationTiles(view, locations, chosen, `/connect/${system}`)}`;
}

/** How to connect on one system: the ways there are, short steps, and the files of one location beside them. */
export function connectPage(view: View, system: System, now: Connecting): Page {
  const t = view.texts.connect;
  const { name, methods } = view.texts.howtos[system];
  return {
    title: t.title(name),
    main: html`<p>${t.choose}</p>
${forCustomers(view, system, now)}
${methods.map((way) => method(view, now, way))}
${worked(view, view.path, now)}
<h2>${t.others}</h2>
${systemTiles(view, system)}`,
  };
}
