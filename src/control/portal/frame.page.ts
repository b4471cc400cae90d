// SPDX-License-Identifier: AGPL-3.0-or-later
import { html } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';
import type { Assets } from './assets.os.ts';
import type { Session } from './session.http.ts';
import type { Texts } from './texts.ts';

/** A piece of a page. Everything that is put into one is escaped, unless it is one itself. */
export type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

/** What every page needs to be drawn. */
export interface View {
  readonly texts: Texts;
  /** The operator's name for the service. */
  readonly service: string;
  readonly assets: Assets;
  readonly session: Session | undefined;
  /** Of a browser that does not say where a form comes from: part of the forms before sign-in. */
  readonly proof: string | undefined;
  /** Where the source of what runs can be had. */
  readonly source: string | undefined;
  /** Path of the page, so that the way to it can be marked. */
  readonly path: string;
}

export interface Page {
  readonly title: string;
  readonly main: Html;
  /** Whether the page is a form that was refused. Its title says so, which is what a screen reader reads first. */
  readonly error?: boolean;
}

export const NOTHING = html``;

/** Two streams over a stone. */
const MARK = html`<svg viewBox="0 0 16 16" aria-hidden="true" focusable="false"><path d="M1 3c2.3-2 4.7-2 7 0s4.7 2 7 0M1 7.5c2.3-2 4.7-2 7 0s4.7 2 7 0"/><ellipse cx="8" cy="13.25" rx="5" ry="1.75"/></svg>`;

function link({ path }: View, href: string, label: string): Html {
  return html`<a href="${href}"${path === href ? html` aria-current="page"` : NOTHING}>${label}</a>`;
}

function navigation(view: View): Html {
  const { texts, session } = view;
  const t = texts.frame;
  if (session === undefined) return html`<li>${link(view, '/sign-in', t.signIn)}</li>`;
  return html`<li>${link(view, '/account', t.account)}</li>
<li>${link(view, '/account/remembered', t.rememberedShort)}</li>
<li><form method="post" action="/sign-out">${formToken(session)}<button class="link">${t.signOut}</button></form></li>`;
}

/** A whole page: one heading of the first rank, three landmarks, and a link past the first of them. */
export function frame(view: View, page: Page): Html {
  const { texts, service, assets } = view;
  const t = texts.frame;
  return html`<!doctype html>
<html lang="${texts.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${page.error === true ? t.error : ''}${page.title} – ${service}</title>
<meta name="description" content="${t.description(service)}">
<link rel="icon" type="image/svg+xml" href="${assets.mark.path}">
<link rel="stylesheet" href="${assets.style.path}">
<script type="module" src="${assets.script.path}"></script>
</head>
<body data-copy="${t.copy}" data-copied="${t.copied}">
<a class="skip" href="#content">${t.skip}</a>
<header>
<a class="brand" href="/">${MARK}<span>${service}</span></a>
<nav aria-label="${t.navigation}"><ul>${navigation(view)}</ul></nav>
</header>
<main id="content" tabindex="-1">
<h1>${page.title}</h1>
${page.main}
</main>
<div class="unseen" role="status" data-said></div>
<footer>
${link(view, '/privacy', t.privacy)}
<p>${t.software} ${view.source === undefined ? NOTHING : html`<a href="${view.source}">${t.source}</a>`}</p>
</footer>
</body>
</html>
`;
}

/** The hidden field without which no form of a session is accepted. */
export function formToken(session: Session): Html {
  return html`<input type="hidden" name="token" value="${session.formToken}">`;
}

/** The hidden field that proves, before sign-in, that a form comes from a page of ours. Most browsers need none. */
export function proofField({ proof }: View): Html {
  return proof === undefined ? NOTHING : html`<input type="hidden" name="proof" value="${proof}">`;
}

/** What is wrong with a field. The field names it in `aria-describedby`. */
export function errorNote({ texts }: View, id: string, text: string): Html {
  return html`<p id="${id}" class="note error" role="alert"><strong>${texts.frame.error}</strong>${text}</p>`;
}

/** The hidden field of a form that makes secrets: sent twice, it makes the same. */
export function onceField(once: string): Html {
  return html`<input type="hidden" name="once" value="${once}">`;
}

/** Text of the catalogue in which backquotes mark what is to be typed. */
export function prose(text: string): Html {
  const parts = text.split('`');
  return html`${parts.map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))}`;
}

/** A value that is copied: selected as a whole in one click, with a button beside it where JavaScript is on. */
export function copied(label: string, value: string, kind = ''): Html {
  return html`<div class="secret ${kind}"><dt>${label}</dt><dd><code class="copy" data-copyable="${label}">${value}</code></dd></div>`;
}

export function backLink(view: View): Html {
  return html`<p><a href="/account">${view.texts.frame.back}</a></p>`;
}
