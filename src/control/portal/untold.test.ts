// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { valueAfter } from '../../../proof/labs/customers/visitor.ts';
import { openTestPortal, visitorOf } from '../../../proof/labs/portal/test-portal.os.ts';

const lab = await openTestPortal();
after(() => lab.close());

const UNTOLD = { origin: 'null' };
const proofIn = (page: string): string => /name="proof" value="([\w-]{43})"/.exec(page)?.[1] ?? '';

test('a browser that hides where forms come from is asked once more, by a form that proves it', async () => {
  for (const path of ['/sign-up', '/sign-in']) {
    const visitor = lab.visitor();
    const asked = await visitor.send(path, { method: 'POST', headers: UNTOLD });
    assert.equal(asked.status, 403, path);
    const page = await asked.text();
    assert.match(page, /please send this one again/);
    assert.match(visitor.cookies[0] ?? '', /^lethe-form=[\w-]{43}; Max-Age=600; Path=\/; HttpOnly; SameSite=Strict$/);
    const body = new URLSearchParams({ proof: proofIn(page), number: 'mistyped' });
    const answer = await visitor.send(path, { method: 'POST', headers: UNTOLD, body });
    assert.equal(answer.status, path === '/sign-up' ? 200 : 422);
  }
});

test('after a mistyped number the same browser is not asked again', async () => {
  const visitor = lab.visitor();
  const number = valueAfter(await lab.visitor().submit('/sign-up'), 'Account number');
  let page = await (await visitor.send('/sign-in', { method: 'POST', headers: UNTOLD })).text();
  for (const [typed, status] of [
    ['mistyped', 422],
    [number, 303],
  ] as const) {
    const body = new URLSearchParams({ proof: proofIn(page), number: typed });
    const answer = await visitor.send('/sign-in', { method: 'POST', headers: UNTOLD, body });
    assert.equal(answer.status, status);
    page = await answer.text();
  }
});

test('a proof without its cookie, of another cookie, or of junk proves nothing', async () => {
  const visitor = lab.visitor();
  const other = lab.visitor();
  const proof = proofIn(await (await visitor.send('/sign-up', { method: 'POST', headers: UNTOLD })).text());
  await other.send('/sign-up', { method: 'POST', headers: UNTOLD });
  const junk = lab.visitor();
  for (const [sender, cookie] of [
    [lab.visitor(), undefined],
    [other, other.cookie],
    [junk, 'lethe-form='],
    [junk, 'lethe-form=x'],
  ] as const) {
    sender.cookie = cookie;
    const body = new URLSearchParams({ proof });
    const answer = await sender.send('/sign-up', { method: 'POST', headers: UNTOLD, body });
    assert.equal(answer.status, 403, String(cookie));
  }
  const body = new URLSearchParams({ proof });
  const headers = { ...UNTOLD, 'sec-fetch-site': 'cross-site' };
  assert.equal((await visitor.send('/sign-up', { method: 'POST', headers, body })).status, 403);
});

test('over TLS that cookie is bound to the host as well', async () => {
  const visitor = visitorOf(lab, {}, 'https://vpn.example');
  const page = await (await visitor.send('/sign-up', { method: 'POST', headers: UNTOLD })).text();
  assert.match(visitor.cookies[0] ?? '', /^__Host-lethe-form=[\w-]{43}; Max-Age=600; .*Secure; SameSite=Strict$/);
  const body = new URLSearchParams({ proof: proofIn(page) });
  assert.equal((await visitor.send('/sign-up', { method: 'POST', headers: UNTOLD, body })).status, 200);
});

test('a form of a session is taken from such a browser, for its own hidden field proves it', async () => {
  const visitor = lab.visitor();
  await visitor.signUp();
  const body = new URLSearchParams({ token: visitor.formToken });
  assert.equal((await visitor.send('/account/credentials', { method: 'POST', headers: UNTOLD, body })).status, 200);
});
