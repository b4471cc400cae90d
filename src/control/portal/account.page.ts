// SPDX-License-Identifier: AGPL-3.0-or-later
import { html } from 'hono/html';
import type { EpochDay } from '../../core/clock/clock.ts';
import { isoDate } from '../../core/clock/clock.ts';
import type { Customer } from '../accounts/account.ts';
import { type Html, NOTHING, type Page, type View } from './frame.page.ts';
import { SYSTEMS, type System } from './howtos.ts';

/** More than this and a row of marks says less than the number. */
const PIPS = 12;

function pips(used: number, limit: number): Html {
  if (limit > PIPS) return NOTHING;
  const marks = Array.from({ length: limit }, (_, index) => html`<span class="${index < used ? 'on' : ''}"></span>`);
  return html`<div class="pips" aria-hidden="true">${marks}</div>`;
}

function card(title: string, text: string, href: string, link: string): Html {
  return html`<section class="card"><h2>${title}</h2><p>${text}</p><p><a href="${href}">${link}</a></p></section>`;
}

/** Links to the page of each system; the one that is being read is marked. */
export function systemTiles({ texts }: View, current?: System): Html {
  const tile = (system: System) =>
    html`<li><a href="/connect/${system}"${system === current ? html` aria-current="page"` : NOTHING}>${texts.howtos[system].name}</a></li>`;
  return html`<ul class="tiles">${SYSTEMS.map(tile)}</ul>`;
}

/** Whom to ask for more time, where the operator says so. */
function onward({ texts }: View, contact: string | undefined): Html {
  if (contact === undefined) return html`<dd class="quiet">${texts.account.askOperator}</dd>`;
  return html`<dd><a href="${contact}" rel="external noreferrer">${texts.account.extend}</a></dd>`;
}

/** What a person came for, first: paid until when, how many are connected, how to connect. */
export function accountPage(
  view: View,
  { licence }: Customer,
  now: {
    readonly contact: string | undefined;
    readonly today: EpochDay;
    readonly used: number;
    readonly devices: number;
    readonly credentials: boolean;
  },
): Page {
  const t = view.texts.account;
  const expired = licence.expiresOn < now.today;
  return {
    title: t.title,
    main: html`<dl class="facts">
<div><dt>${expired ? t.expired : licence.trial ? t.trial : t.paid}</dt><dd class="big"><time datetime="${isoDate(licence.expiresOn)}">${view.texts.date(licence.expiresOn)}</time></dd>
${expired ? html`<dd class="quiet">${t.expiredNote}</dd>${onward(view, now.contact)}` : NOTHING}</div>
<div><dt>${t.seats}</dt><dd class="big">${t.seatsOf(now.used, licence.seats)}${pips(now.used, licence.seats)}</dd>
<dd class="quiet">${t.seatsNote}</dd></div>
</dl>
<h2>${t.connect}</h2>
<p>${t.connectText}</p>
${systemTiles(view)}
${card(t.devices, t.devicesText(now.devices), '/account/devices', t.devicesLink)}
${card(t.credentials, t.credentialsText(now.credentials), '/account/credentials', t.credentialsLink(now.credentials))}
${card(t.downloads, t.downloadsText, '/account/downloads', t.downloadsLink)}
${card(view.texts.remembered.title, t.rememberedText, '/account/remembered', t.rememberedLink)}
${card(view.texts.manage.title, t.manageText, '/account/manage', t.manageLink)}`,
  };
}
