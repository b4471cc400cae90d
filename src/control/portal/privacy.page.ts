// SPDX-License-Identifier: AGPL-3.0-or-later
import { html } from 'hono/html';
import { ATTRIBUTION, type Attribution } from '../../contracts/claims/attribution.ts';
import { customerStores } from '../../core/inventory/about.ts';
import { DATABASE } from '../../core/inventory/database.ts';
import type { Datum, Declaration } from '../../core/inventory/datum.ts';
import { type Html, type Page, type View } from './frame.page.ts';

function bullets(items: readonly string[]): Html {
  return html`<ul>${items.map((item) => html`<li>${item}</li>`)}</ul>`;
}

/** One line for each table about customers. How long is the inventory's own word, so it cannot differ from what is done. */
function kept(view: View): Html {
  const t = view.texts.privacy;
  const lines = customerStores(DATABASE).map(({ name, fields }) => ({
    title: view.texts.remembered.stores[name] ?? name,
    what: t.kept[name] ?? Object.keys(fields).join(', '),
    how: Object.values(fields)[0]?.retention ?? '',
  }));
  return html`<dl class="fields">${lines.map(
    ({ title, what, how }) => html`<div><dt>${title}</dt>
<dd>${what}</dd>
<dd class="about">${t.how}: ${how}.</dd></div>`,
  )}</dl>`;
}

/** The policy for people, on one screen or two. The list behind it says the same field by field. */
export function privacyPage(view: View): Page {
  const t = view.texts.privacy;
  return {
    title: t.title,
    main: html`<p class="lead">${t.lead}</p>
<h2>${t.notTitle}</h2>
${bullets(t.not)}
<h2>${t.keptTitle}</h2>
${kept(view)}
<h2>${t.liveTitle}</h2>
<p>${t.live}</p>
<h2>${t.rightsTitle}</h2>
<p>${t.rights} <a href="/account/remembered">${view.texts.remembered.title}</a></p>
<h2>${t.limitsTitle}</h2>
<p>${t.cannot}</p>
<p><a class="button plain" href="/privacy/fields">${t.fields}</a></p>`,
  };
}

function field({ texts }: View, name: string, datum: Datum): Html {
  const t = texts.privacy;
  return html`<div><dt><code>${name}</code>, ${texts.kinds[datum.kind]}</dt>
<dd>${t.why}: ${datum.purpose}</dd>
<dd class="about">${t.holder}: ${texts.holders[datum.holder]}. ${t.how}: ${datum.retention}.</dd></div>`;
}

function store(view: View, name: string, declaration: Declaration): Html {
  const fields = Object.entries(declaration);
  return html`<h3><code>${name}</code></h3>
${
  fields.length === 0
    ? html`<p class="quiet">${view.texts.privacy.empty}</p>`
    : html`<dl class="fields">${fields.map(([key, datum]) => field(view, key, datum))}</dl>`
}`;
}

/** The policy as the inventory has it: every store and field of every room, nothing left out. */
export function fieldsPage(view: View, inventory: Readonly<Record<string, Declaration>>): Page {
  const t = view.texts.privacy;
  const rooms = Map.groupBy(Object.entries(inventory), ([name]) => name.split('.', 1)[0] as string);
  const titleOf = (room: string) => t.rooms[room] ?? { title: room, text: '' };
  return {
    title: t.fieldsTitle,
    main: html`<p class="lead">${t.text}</p>
<p><a href="/privacy">${t.title}</a></p>
<nav aria-label="${t.contents}"><ul>${[...rooms.keys()].map((room) => html`<li><a href="#${room}">${titleOf(room).title}</a></li>`)}</ul></nav>
${[...rooms].map(
  ([room, stores]) => html`<h2 id="${room}">${titleOf(room).title}</h2>
<p>${titleOf(room).text}</p>
${stores.map(([name, declaration]) => store(view, name, declaration))}`,
)}
<h2>${t.sources}</h2>
<p>${t.sourcesText}</p>
<ul>${ATTRIBUTION.map(source)}</ul>`,
  };
}

function source({ text, url, licence }: Attribution): Html {
  return html`<li><a href="${url}" rel="external noreferrer">${text}</a>, ${licence}</li>`;
}
