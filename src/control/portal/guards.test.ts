// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Context, Hono } from 'hono';
import type { SignInToken } from '../accounts/account.ts';
import { FORM_LIMIT, readForm, senderOf } from './form.http.ts';
import { hardenedPages, strictTransport } from './headers.http.ts';
import { deleteSessionCookie, formTokenFits, formTokenOf, sessionCookie, setSessionCookie } from './session.http.ts';

const TOKEN = 'A'.repeat(43) as SignInToken;

/** What an answer of this handler looks like, to a request with these headers. */
async function answer(
  handle: (c: Context) => Response | Promise<Response>,
  init: RequestInit = {},
  url = 'http://lethe.test/',
): Promise<Response> {
  const app = new Hono();
  app.all('*', handle);
  return await app.request(url, init);
}

async function cookieSet(secure: boolean): Promise<string> {
  const response = await answer((c) => {
    setSessionCookie(c, secure, TOKEN);
    return c.body(null);
  });
  return response.headers.get('set-cookie') ?? '';
}

test('the cookie of a session is for this host alone, and out of reach of scripts and of other sites', async () => {
  assert.equal(await cookieSet(false), `lethe=${TOKEN}; Path=/; HttpOnly; SameSite=Strict`);
  assert.equal(await cookieSet(true), `__Host-lethe=${TOKEN}; Path=/; HttpOnly; Secure; SameSite=Strict`);
});

test('over TLS a cookie is read only if it is bound to the host, and is deleted by its name', async () => {
  const read = async (secure: boolean, cookie: string) =>
    (await answer((c) => c.text(sessionCookie(c, secure) ?? 'none'), { headers: { cookie } })).text();
  assert.equal(await read(false, `lethe=${TOKEN}`), TOKEN);
  assert.equal(await read(true, `__Host-lethe=${TOKEN}`), TOKEN);
  assert.equal(await read(true, `lethe=${TOKEN}`), 'none', 'a neighbour under the same domain may have set it');
  const deleted = await answer((c) => {
    deleteSessionCookie(c, true);
    return c.body(null);
  });
  assert.match(deleted.headers.get('set-cookie') ?? '', /^__Host-lethe=; Max-Age=0; Path=\/; Secure$/);
});

test('the hidden field of a form is of one session, and fits as a whole or not at all', () => {
  const own = formTokenOf(TOKEN);
  assert.match(own, /^[\w-]{43}$/);
  assert.notEqual(own, formTokenOf('B'.repeat(43)));
  assert.ok(formTokenFits(own, own));
  const last = own.endsWith('A') ? 'B' : 'A';
  for (const other of [null, '', own.slice(1), `${own}A`, own.slice(0, -1) + last, formTokenOf('B'.repeat(43))])
    assert.equal(formTokenFits(own, other), false, String(other));
});

test('who sent a form is believed of the browser first, and then of the origin that it names', async () => {
  const sender = async (headers: Record<string, string>, publicOrigin?: string) =>
    (await answer((c) => c.text(senderOf(c, publicOrigin)), { method: 'POST', headers })).text();
  for (const [meant, headers, publicOrigin] of [
    ['ours', {}],
    ['ours', { 'sec-fetch-site': 'same-origin' }],
    ['ours', { 'sec-fetch-site': 'none' }],
    ['ours', { 'sec-fetch-site': 'same-origin', origin: 'null' }],
    ['foreign', { 'sec-fetch-site': 'same-site' }],
    ['foreign', { 'sec-fetch-site': 'cross-site', origin: 'http://lethe.test' }],
    ['ours', { origin: 'http://lethe.test' }],
    ['foreign', { origin: 'https://lethe.test' }],
    ['foreign', { origin: 'http://lethe.test.evil.test' }],
    ['untold', { origin: 'null' }],
    ['ours', { origin: 'https://vpn.example' }, 'https://vpn.example'],
    ['foreign', { origin: 'http://lethe.test' }, 'https://vpn.example'],
  ] as const)
    assert.equal(await sender(headers, publicOrigin), meant, JSON.stringify(headers));
});

test('a body is read as a form if it says that it is one, and has a bound', async () => {
  const read = async (body: string, type?: string) => {
    const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
    const response = await answer(
      async (c) => {
        const form = await readForm(c);
        return c.text(form === 'malformed' ? form : (form.get('a') ?? 'nothing'));
      },
      { method: 'POST', body: body === '' ? null : body, headers },
    );
    return response.text();
  };
  assert.equal(await read('a=b', 'application/x-www-form-urlencoded; charset=utf-8'), 'b');
  assert.equal(await read(''), 'nothing');
  for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x'])
    assert.equal(await read('a=b', type), 'malformed', type);
  assert.equal(FORM_LIMIT, 16_384);
});

test('a page runs no script but our own, is in no frame, and sends forms to nowhere else', async () => {
  const app = new Hono();
  app.use(
    hardenedPages,
    strictTransport((url) => url.startsWith('https:')),
  );
  app.get('/', (c) => c.body(null));
  const headers = async (url: string) => Object.fromEntries((await app.request(url)).headers);
  const expected = {
    'cache-control': 'no-store',
    'content-security-policy': [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self'",
      "connect-src 'self'",
      "form-action 'self'",
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=()',
    'referrer-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  };
  assert.deepEqual(await headers('http://lethe.test/'), expected);
  assert.deepEqual(await headers('https://lethe.test/'), {
    ...expected,
    'strict-transport-security': 'max-age=63072000',
  });
});
