// SPDX-License-Identifier: AGPL-3.0-or-later

import { loadAssets } from '../../../src/control/portal/assets.os.ts';
import type { PortalServices } from '../../../src/control/portal/context.http.ts';
import { portal } from '../../../src/control/portal/portal.http.ts';
import type { Fetch } from '../../../src/control/program/control.ts';
import { RecordingJournal } from '../../../src/core/journal/journal.ts';
import { openTemporaryControl, type TemporaryControl } from '../control/temporary.os.ts';
import { EXAMPLE_LOCATIONS } from '../profiles/example.ts';

const assets = loadAssets();
const ORIGIN = 'http://lethe.test';

/** Somebody with a browser that has no JavaScript: keeps the cookie, and the hidden field of the last page. */
export class Visitor {
  cookie: string | undefined;
  formToken = '';
  /** Every Set-Cookie header that came, in order. */
  readonly cookies: string[] = [];
  readonly #fetch: Fetch;

  constructor(fetch: Fetch) {
    this.#fetch = fetch;
  }

  async send(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.cookie !== undefined) headers.set('cookie', this.cookie);
    const response = await this.#fetch(new Request(`${ORIGIN}${path}`, { redirect: 'manual', ...init, headers }));
    for (const line of response.headers.getSetCookie()) {
      this.cookies.push(line);
      this.cookie = /Max-Age=0/.test(line) ? undefined : line.split(';', 1)[0];
    }
    return response;
  }

  /** The text of a page, after the redirects that a browser follows. */
  async read(path: string, status = 200): Promise<string> {
    return this.#text(await this.send(path), status);
  }

  async submit(path: string, fields: Readonly<Record<string, string>> = {}, status = 200): Promise<string> {
    const body = new URLSearchParams({ token: this.formToken, ...fields });
    return this.#text(await this.send(path, { method: 'POST', body, headers: { origin: ORIGIN } }), status);
  }

  /** Signs up, and gives the account number. */
  async signUp(): Promise<string> {
    return valueAfter(await this.submit('/sign-up'), 'Account number');
  }

  async #text(response: Response, status: number): Promise<string> {
    const location = response.headers.get('location');
    if (response.status === 303 && location !== null) return this.read(location, status);
    if (response.status !== status) throw new Error(`expected ${status}, got ${response.status}`);
    const text = await response.text();
    this.formToken = /name="token" value="([^"]+)"/.exec(text)?.[1] ?? this.formToken;
    return text;
  }
}

/** The copyable value that stands after a label. */
export function valueAfter(page: string, label: string): string {
  const after = page.slice(page.indexOf(`<dt>${label}</dt>`));
  return /<code[^>]*>([^<]+)<\/code>/.exec(after)?.[1] ?? '';
}

/** The real services behind real pages, with two locations to choose from. Nothing listens on a port. */
export interface PortalLaboratory {
  readonly real: TemporaryControl;
  readonly services: PortalServices;
  readonly journal: RecordingJournal;
  readonly fetch: Fetch;
  visitor(): Visitor;
  close(): Promise<void>;
}

/** Mounts another portal over services of which some behave as the real ones rarely do. */
export function visitorOf(
  { services, journal, real }: PortalLaboratory,
  change: Partial<PortalServices>,
  publicOrigin?: string,
): Visitor {
  const app = portal({ ...services, ...change }, { clock: real.clock, journal, publicOrigin, assets });
  return new Visitor((request) => app.fetch(request));
}

export async function openPortalLaboratory(): Promise<PortalLaboratory> {
  const real = await openTemporaryControl();
  const journal = new RecordingJournal();
  const given = real.control.services;
  const services: PortalServices = {
    ...given,
    locations: { list: () => EXAMPLE_LOCATIONS, signed: () => given.locations.signed() },
  };
  const app = portal(services, { clock: real.clock, journal, assets });
  const fetch: Fetch = (request) => app.fetch(request);
  return { real, services, journal, fetch, visitor: () => new Visitor(fetch), close: () => real.close() };
}
