// SPDX-License-Identifier: AGPL-3.0-or-later
import { html } from 'hono/html';
import type { EpochDay } from '../../core/clock/clock.ts';
import { parseIsoDate } from '../../core/clock/clock.ts';
import type { RememberedPage, RememberedRow } from '../accounts/remembered.ts';
import { backLink, type Html, NOTHING, type Page, type View } from './frame.page.ts';

/** What people look for first. */
const SESSIONS = 'database.usage_events';

function remembered({ texts }: View, row: RememberedRow, values: boolean): Html {
  const t = texts.remembered;
  return html`<dl class="fields">${row.fields.map(
    (item) => html`<div><dt><code>${item.name}</code></dt>
${values ? html`<dd class="value"><code>${item.value}</code></dd>` : NOTHING}
<dd class="about">${t.why}: ${item.purpose}. ${t.how}: ${item.retention}.</dd></div>`,
  )}</dl>`;
}

function table(title: string, rows: readonly RememberedRow[], first: RememberedRow): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${title}"><table>
<thead><tr>${first.fields.map((item) => html`<th scope="col">${item.name}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.fields.map((item) => html`<td><code>${item.value}</code></td>`)}</tr>`)}</tbody>
</table></div>`;
}

/** One row is shown beside its declaration, many in a table above it. */
function rowsOf(view: View, store: string, rows: readonly RememberedRow[]): Html {
  const t = view.texts.remembered;
  const first = rows[0] as RememberedRow;
  const title = t.stores[store] ?? store;
  const head = html`<h2>${title}</h2>
<p class="quiet"><code>${store}</code>, ${t.rows(rows.length)}</p>`;
  if (rows.length === 1) return html`${head}${remembered(view, first, true)}`;
  return html`${head}
${table(title, rows, first)}
${remembered(view, first, false)}`;
}

/** The day of the oldest session that is still remembered. */
function oldest(sessions: readonly RememberedRow[]): EpochDay | undefined {
  const days = sessions.map((row) => row.fields.find(({ name }) => name === 'date')?.value ?? '');
  return parseIsoDate(days.toSorted()[0] ?? '');
}

/** Two sentences that say it all, then the customer's actual rows, each value beside the words that allow it to be kept. */
export function rememberedPage(view: View, { rows, next }: RememberedPage, from?: string): Page {
  const t = view.texts.remembered;
  const stores = Map.groupBy(rows, (row) => row.store);
  const sessions = stores.get(SESSIONS) ?? [];
  const first = oldest(sessions);
  const since = first === undefined ? undefined : view.texts.date(first);
  const others = [...stores].filter(([name]) => name !== SESSIONS);
  return {
    title: t.title,
    main: html`${from === undefined ? html`<p class="lead">${t.sessions(sessions.length, since, next !== undefined)} ${t.others(rows.length - sessions.length)}</p>` : NOTHING}
<p>${t.text} ${t.session}</p>
<p><a href="/account/remembered.json${from === undefined ? '' : `?from=${from}`}">${t.json}</a></p>
${rows.length === 0 ? html`<p>${t.none}</p>` : NOTHING}
${sessions.length === 0 ? NOTHING : rowsOf(view, SESSIONS, sessions)}
${others.map(([name, group]) => rowsOf(view, name, group))}
${next === undefined ? NOTHING : html`<p><a href="/account/remembered?from=${next}">${t.more}</a></p>`}
${backLink(view)}`,
  };
}
