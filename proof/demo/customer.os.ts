// SPDX-License-Identifier: AGPL-3.0-or-later
import { ClientFailed } from './client.os.ts';

/** What a new customer reads on the page after signing up, once. */
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

/** A customer at the portal, as a browser without JavaScript would be: links, forms, one cookie. */
export class Customer {
  readonly #portal: string;
  #cookie = '';

  constructor(portal: string) {
    this.#portal = portal;
  }

  /** One click. */
  async signUp(): Promise<Welcome> {
    const page = await this.#request('POST', '/sign-up', '');
    const values = [...page.matchAll(/<code class="copy"[^>]*>([^<]+)<\/code>/g)].map((match) => match[1] ?? '');
    const [accountNumber, username, password, ikePassword] = values;
    if (accountNumber === undefined || username === undefined || password === undefined || ikePassword === undefined) {
      throw new ClientFailed('the page after signing up does not show an account number and credentials');
    }
    return { accountNumber, username, password, ikePassword };
  }

  /** A file or a page, as text. */
  async get(path: string): Promise<string> {
    return await this.#request('GET', path);
  }

  /** Brings a WireGuard public key and gives the path of the device's page. */
  async addDevice(publicKey: string): Promise<string> {
    const page = await this.get('/account/devices');
    const token = /name="token" value="([^"]+)"/.exec(page)?.[1] ?? '';
    await this.#request('POST', '/account/devices', new URLSearchParams({ token, publicKey }).toString());
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
    const token = this.#cookie.slice(this.#cookie.indexOf('=') + 1);
    const answer = await fetch(this.#portal + path, { headers: { authorization: `Bearer ${token}` } });
    if (!answer.ok) throw new ClientFailed(`${path} answered ${answer.status}`);
    return await answer.json();
  }

  async #request(method: string, path: string, body?: string): Promise<string> {
    const headers = { cookie: this.#cookie, 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await fetch(this.#portal + path, {
      method,
      headers,
      redirect: 'manual',
      ...(body === undefined ? {} : { body }),
    });
    const cookie = answer.headers.getSetCookie()[0]?.split(';')[0];
    if (cookie !== undefined) this.#cookie = cookie;
    if (answer.status >= 400) throw new ClientFailed(`${method} ${path} answered ${answer.status}`);
    return await answer.text();
  }
}
