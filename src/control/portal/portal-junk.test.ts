// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { assert as always, asyncProperty, constantFrom, dictionary, string, uint8Array } from 'fast-check';
import { changed, openTestPortal, visitorOf } from '../../../proof/labs/portal/test-portal.os.ts';
import { FORM_LIMIT } from './form.http.ts';
import { ENGLISH } from './texts.ts';

const lab = await openTestPortal();
after(() => lab.close());

const FORMS = [
  '/sign-up',
  '/sign-up/file',
  '/sign-in',
  '/sign-out',
  '/account/kept',
  '/account/credentials',
  '/account/devices',
  '/account/devices/remove',
  '/download/apple',
];

test('a form from another site is refused, however the browser says so', async () => {
  const visitor = lab.visitor();
  await visitor.signUp();
  const body = () => new URLSearchParams({ token: visitor.formToken });
  const foreign = [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site', origin: 'http://lethe.test' },
    { origin: 'http://evil.test' },
    { 'sec-fetch-site': 'cross-site', origin: 'null' },
    { origin: 'http://lethe.test.evil.test' },
    { origin: 'https://lethe.test' },
  ];
  for (const headers of foreign) {
    for (const path of FORMS) {
      const response = await visitor.send(path, { method: 'POST', body: body(), headers });
      assert.equal(response.status, 403, `${path} ${JSON.stringify(headers)}`);
    }
  }
  assert.ok(visitor.cookie);
  const own = await visitor.send('/account/credentials', {
    method: 'POST',
    body: body(),
    headers: { 'sec-fetch-site': 'same-origin' },
  });
  assert.equal(own.status, 200);
});

test('a form without the session’s hidden field is refused', async () => {
  const visitor = lab.visitor();
  const other = lab.visitor();
  await visitor.signUp();
  await other.signUp();
  assert.equal((await visitor.send('/account/credentials', { method: 'POST' })).status, 409);
  for (const token of ['', 'x', other.formToken, visitor.formToken.slice(1), `${visitor.formToken}é`]) {
    const body = new URLSearchParams({ token });
    const response = await visitor.send('/account/credentials', { method: 'POST', body });
    assert.equal(response.status, 409);
    const page = await response.text();
    assert.match(page, new RegExp(ENGLISH.problems.outdated.title));
    assert.match(page, /href="\/account">Your account/);
    const headers = { origin: 'null' };
    const untold = await visitor.send('/account/credentials', { method: 'POST', body, headers });
    assert.equal(untold.status, 403);
  }
});

test('a body that is no form, or too large, changes nothing', async () => {
  const visitor = lab.visitor();
  const sent = [
    { status: 400, body: '{}', headers: { 'content-type': 'application/json' } },
    { status: 400, body: 'x', headers: { 'content-type': 'multipart/form-data; boundary=x' } },
    { status: 400, body: new Uint8Array([255, 0, 1]) },
    { status: 413, body: 'x'.repeat(FORM_LIMIT + 1), headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    { status: 413, body: 'x'.repeat(10_000_000) },
  ];
  for (const { status, ...init } of sent) {
    assert.equal((await visitor.send('/sign-up', { method: 'POST', ...init })).status, status);
  }
  assert.deepEqual(visitor.cookies, []);
});

test('a missing page, a wrong method and a broken path get the page for a missing address', async () => {
  const visitor = lab.visitor();
  await visitor.signUp();
  const paths = [
    '/nowhere',
    '/%00',
    '/%ff%fe',
    '/account/devices/none',
    '/account/devices/none/remove',
    '/account/devices/none/zip',
    '/account/downloads/nowhere',
    '/connect/windows/nowhere',
    '/account/devices/none/ch-zrh/zrh-01',
    '/download/nowhere/apple',
    '/download/ch-zrh/junk',
    '/download/ch-zrh/constructor',
    '/download/ch-zrh/android/nobody',
    '/download/nowhere/android/zrh-01',
    '/connect/beos',
    '/assets/../portal.http.ts',
  ];
  for (const path of paths) assert.match(await visitor.read(path, 404), /There is no such page/, path);
  assert.equal((await visitor.send('/account', { method: 'DELETE' })).status, 404);
  await visitor.submit(
    '/download/apple',
    { location: 'nowhere', username: 'x'.repeat(20), password: 'x'.repeat(20) },
    404,
  );
  await visitor.submit('/account/devices/remove', { publicKey: 'none' }, 404);
});

test('a login that did not come from our page is put into no profile', async () => {
  const visitor = lab.visitor();
  await visitor.signUp();
  for (const [username, password] of [
    ['<x>', 'x'.repeat(20)],
    ['x'.repeat(20), 'short'],
    ['', ''],
  ] as const) {
    await visitor.submit('/download/apple', { location: 'ch-zrh', username, password }, 400);
  }
  await visitor.submit('/download/apple', { location: 'ch-zrh' }, 400);
});

test('busy services ask for patience', async () => {
  const { accounts } = lab.services;
  const visitor = visitorOf(lab, {
    accounts: changed(accounts, { signUpOnce: async () => 'busy', signIn: async () => 'busy' }),
  });
  const response = await visitor.send('/sign-up', { method: 'POST' });
  assert.equal(response.status, 429);
  assert.equal(response.headers.get('retry-after'), '60');
  assert.match(await visitor.submit('/sign-in', { number: 'x' }, 429), /Please wait a moment/);
});

test('a failure of ours is said in the journal and to the customer, without a detail', async () => {
  const visitor = visitorOf(lab, {
    devices: changed(lab.services.devices, { list: () => Promise.reject(new Error('secret detail')) }),
  });
  await visitor.signUp();
  lab.journal.events.length = 0;
  const response = await visitor.send('/account');
  assert.equal(response.status, 500);
  assert.match(response.headers.get('content-security-policy') ?? '', /^default-src 'none'/);
  const page = await response.text();
  assert.match(page, /Something broke on our side/);
  assert.doesNotMatch(page, /secret detail/);
  assert.deepEqual(lab.journal.events, [{ code: 'failed', program: 'control', failure: 'portal' }]);
});

test('while the database is away, the page says so and when to come back, and nothing is called broken', async () => {
  const away = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  const reject = () => Promise.reject(away);
  const visitor = visitorOf(lab, {
    accounts: changed(lab.services.accounts, { signUpOnce: reject, customerOf: reject }),
  });
  visitor.cookie = `lethe=${'x'.repeat(43)}`;
  lab.journal.events.length = 0;
  for (const [path, method] of [
    ['/account', 'GET'],
    ['/sign-up', 'POST'],
  ] as const) {
    const response = await visitor.send(path, { method });
    assert.equal(response.status, 503, path);
    assert.equal(response.headers.get('retry-after'), '10');
    assert.match(await response.text(), /The service is starting again[^]*Wait ten seconds, then reload this page/);
  }
  assert.deepEqual(lab.journal.events, []);
});

test('a sign-up asks for nothing that it has just made', async () => {
  const { accounts } = lab.services;
  const visitor = visitorOf(lab, {
    accounts: changed(accounts, { customerOf: () => Promise.reject(new Error('asked')) }),
  });
  assert.match(await visitor.submit('/sign-up'), /Keep this number/);
  assert.equal(visitor.cookies.length, 1);
});

test('whatever stands in a form, the answer is a page and no failure', async () => {
  const visitor = lab.visitor();
  await visitor.signUp();
  const { cookie, formToken } = visitor;
  lab.journal.events.length = 0;
  const names = constantFrom('number', 'publicKey', 'username', 'password', 'once', '__proto__', 'token ');
  const anything = string({ unit: 'binary', maxLength: 300 });
  await always(
    asyncProperty(constantFrom(...FORMS.slice(1)), dictionary(names, anything), async (path, fields) => {
      visitor.cookie = path === '/sign-out' ? undefined : cookie;
      const body = new URLSearchParams({ ...fields, token: formToken });
      const response = await visitor.send(path, { method: 'POST', body });
      assert.ok([200, 303, 400, 404, 422, 429].includes(response.status), `${path} ${response.status}`);
    }),
    { numRuns: 120 },
  );
  assert.deepEqual(lab.journal.events, []);
});

test('whatever stands in headers and bodies, the answer is a page and no failure', async () => {
  lab.journal.events.length = 0;
  const header = string({ unit: 'grapheme-ascii', maxLength: 200 });
  await always(
    asyncProperty(header, header, uint8Array({ maxLength: 400 }), async (cookie, origin, body) => {
      const visitor = lab.visitor();
      const headers = { cookie: `lethe=${cookie}`, origin, 'content-type': 'application/x-www-form-urlencoded' };
      const response = await visitor.send('/sign-in', { method: 'POST', headers, body: new Uint8Array(body) });
      assert.ok([403, 422].includes(response.status), String(response.status));
      assert.equal((await visitor.send('/account', { headers })).status, 303);
    }),
    { numRuns: 120 },
  );
  assert.deepEqual(lab.journal.events, []);
});
