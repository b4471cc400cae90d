// SPDX-License-Identifier: AGPL-3.0-or-later
import { html } from 'hono/html';
import { ATTRIBUTION, type Attribution } from '../../contracts/claims/attribution.ts';
import type { Datum, Declaration } from '../../core/inventory/datum.ts';
import type { RememberedPage, RememberedRow } from '../accounts/remembered.ts';
import { backLink, type Html, NOTHING, type Page, type View } from './frame.page.ts';

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
export function privacyPage(view: View, inventory: Readonly<Record<string, Declaration>>): Page {
  const t = view.texts.privacy;
  const rooms = Map.groupBy(Object.entries(inventory), ([name]) => name.split('.', 1)[0] as string);
  const titleOf = (room: string) => t.rooms[room] ?? { title: room, text: '' };
  return {
    title: t.title,
    main: html`<p class="lead">${t.text}</p>
<p>${t.cannot}</p>
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

function remembered({ texts }: View, row: RememberedRow, values: boolean): Html {
  const t = texts.remembered;
  return html`<dl class="fields">${row.fields.map(
    (item) => html`<div><dt><code>${item.name}</code></dt>
${values ? html`<dd class="value"><code>${item.value}</code></dd>` : NOTHING}
<dd class="about">${t.why}: ${item.purpose}. ${t.how}: ${item.retention}.</dd></div>`,
  )}</dl>`;
}

function table(store: string, rows: readonly RememberedRow[], first: RememberedRow): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${store}"><table>
<thead><tr>${first.fields.map((item) => html`<th scope="col">${item.name}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.fields.map((item) => html`<td><code>${item.value}</code></td>`)}</tr>`)}</tbody>
</table></div>`;
}

/** One row is shown beside its declaration, many in a table above it. */
function rowsOf(view: View, store: string, rows: readonly RememberedRow[]): Html {
  const first = rows[0] as RememberedRow;
  if (rows.length === 1) return html`<h2><code>${store}</code></h2>${remembered(view, first, true)}`;
  return html`<h2><code>${store}</code>, ${view.texts.remembered.rows(rows.length)}</h2>
${table(store, rows, first)}
${remembered(view, first, false)}`;
}

/** The customer's actual rows, each value beside the words that allow it to be kept. */
export function rememberedPage(view: View, { rows, next }: RememberedPage): Page {
  const t = view.texts.remembered;
  const stores = Map.groupBy(rows, (row) => row.store);
  return {
    title: t.title,
    main: html`<p class="lead">${t.text}</p>
<p>${t.session}</p>
${rows.length === 0 ? html`<p>${t.none}</p>` : NOTHING}
${[...stores].map(([name, group]) => rowsOf(view, name, group))}
${next === undefined ? NOTHING : html`<p><a href="/account/remembered?from=${next}">${t.more}</a></p>`}
${backLink(view)}`,
  };
}
