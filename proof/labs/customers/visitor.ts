// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Fetch } from '../../../src/control/program/control.ts';

/** What a new customer reads, once each: the number after signing up, the rest when it is asked for. */
export interface Welcome {
  readonly accountNumber: string;
  readonly username: string;
  readonly password: string;
  readonly ikePassword: string;
}

/** A row as the page "What we know about you" and the API give it. */
export interface Remembered {
  readonly store: string;
  readonly fields: readonly { readonly name: string; readonly value: string; readonly purpose: string }[];
}

/** The origin of a portal that listens on no port. */
export const ORIGIN = 'http://lethe.test';

/** A visitor of a portal that listens, `http://127.0.0.1:8080`. */
export function visitorAt(url: string): Visitor {
  return new Visitor((request) => fetch(request), new URL(url).origin);
}

/**
 * A visitor whose browser has no JavaScript: keeps the cookie, and the hidden field of the last page. Once signed up,
 * also an app of the same customer, which asks the API with the cookie's token.
 */
export class Visitor {
  cookie: string | undefined;
  formToken = '';
  /** Every Set-Cookie header that came, in order. */
  readonly cookies: string[] = [];
  readonly #fetch: Fetch;
  readonly #origin: string;

  constructor(fetch: Fetch, origin: string = ORIGIN) {
    this.#fetch = fetch;
    this.#origin = origin;
  }

  async send(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.cookie !== undefined) headers.set('cookie', this.cookie);
    const response = await this.#fetch(new Request(`${this.#origin}${path}`, { redirect: 'manual', ...init, headers }));
    for (const line of response.headers.getSetCookie()) {
      this.cookies.push(line);
      this.cookie = /Max-Age=0/.test(line) ? undefined : line.split(';', 1)[0];
    }
    return response;
  }

  /** The text of a page or a file, after the redirects that a browser follows. */
  async read(path: string, status = 200): Promise<string> {
    return this.#text(path, await this.send(path), status);
  }

  async submit(path: string, fields: Readonly<Record<string, string>> = {}, status = 200): Promise<string> {
    const body = new URLSearchParams({ token: this.formToken, ...fields });
    const response = await this.send(path, { method: 'POST', body, headers: { origin: this.#origin } });
    return this.#text(path, response, status);
  }

  /** One click for the account, and one for what OpenVPN and IKEv2 ask for. */
  async signUp(): Promise<Welcome> {
    const accountNumber = valueAfter(await this.submitFrom('/sign-up'), 'Account number');
    const page = await this.submitFrom('/account/credentials');
    return {
      accountNumber,
      username: valueAfter(page, 'VPN username'),
      password: valueAfter(page, 'OpenVPN password'),
      ikePassword: valueAfter(page, 'IKEv2 password'),
    };
  }

  /** Opens a page and sends its form, with the hidden field that makes the same once more when it is sent again. */
  async submitFrom(path: string): Promise<string> {
    const once = onceIn(await this.read(path));
    return this.submit(path, { once });
  }

  /** Brings a WireGuard public key and gives the path of the device's page. */
  async addDevice(publicKey: string): Promise<string> {
    await this.read('/account/devices');
    await this.submit('/account/devices', { publicKey });
    return `/account/devices/${publicKey.replaceAll('+', '-').replaceAll('/', '_').replace(/=$/, '')}`;
  }

  /** How many sessions are live, as the API tells the customer. */
  async seats(): Promise<{ used: number; limit: number }> {
    return (await this.#api('/api/v1/seats')) as { used: number; limit: number };
  }

  /** Everything that the service remembers about this customer. */
  async remembered(): Promise<readonly Remembered[]> {
    return ((await this.#api('/api/v1/remembered')) as { rows: Remembered[] }).rows;
  }

  async #api(path: string): Promise<unknown> {
    const token = this.cookie?.slice(this.cookie.indexOf('=') + 1) ?? '';
    const request = new Request(`${this.#origin}${path}`, { headers: { authorization: `Bearer ${token}` } });
    const response = await this.#fetch(request);
    if (!response.ok) throw new Error(`${path} answered ${response.status}`);
    return await response.json();
  }

  async #text(path: string, response: Response, status: number): Promise<string> {
    const location = response.headers.get('location');
    if (response.status === 303 && location !== null) return this.read(location, status);
    if (response.status !== status) throw new Error(`${path}: expected ${status}, got ${response.status}`);
    const text = await response.text();
    this.formToken = /name="token" value="([^"]+)"/.exec(text)?.[1] ?? this.formToken;
    return text;
  }
}

/** The hidden field of a form that makes secrets. */
export function onceIn(page: string): string {
  const once = /name="once" value="([^"]+)"/.exec(page)?.[1];
  if (once === undefined) throw new Error('the page has no such form');
  return once;
}

/** The copyable value after a label. Throws when there is none: a page that shows it late shows it never. */
export function valueAfter(page: string, label: string): string {
  const after = page.slice(page.indexOf(`<dt>${label}</dt>`));
  const value = /<code[^>]*>([^<]+)<\/code>/.exec(after)?.[1];
  if (value === undefined) throw new Error(`the page does not show the ${label}`);
  return value;
}
