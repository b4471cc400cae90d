// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { onceIn, valueAfter } from '../../../proof/labs/customers/visitor.ts';
import { changed, openTestPortal, visitorOf } from '../../../proof/labs/portal/test-portal.os.ts';
import { today } from '../../core/clock/clock.ts';
import { loadAssets } from './assets.os.ts';
import { SYSTEMS } from './howtos.ts';

const lab = await openTestPortal();
after(() => lab.close());

const PUBLIC = [
  '/',
  '/sign-up',
  '/sign-in',
  '/privacy',
  '/privacy/fields',
  '/nowhere',
  ...SYSTEMS.map((system) => `/connect/${system}`),
];
const PERSONAL = [
  '/account',
  '/account/devices',
  '/account/downloads',
  '/account/credentials',
  '/account/remembered',
  '/account/manage',
  '/account/manage/number',
  '/account/manage/close',
  '/download/authority',
  '/download/ch-zrh/openvpn-udp',
  '/download/us-nyc/android/nyc-01',
];

test('one click makes an account, its number signs in again, and signing out ends it', async () => {
  const visitor = lab.visitor();
  const once = onceIn(await visitor.read('/'));
  const welcome = await visitor.submit('/sign-up', { once });
  const number = valueAfter(welcome, 'Account number');
  assert.match(number, /^([0-9A-Z]{4}-){4}[0-9A-Z]{4}$/);
  assert.doesNotMatch(welcome, /VPN username|OpenVPN password|IKEv2 password/);

  const account = await visitor.read('/account');
  assert.match(account, /Trial until<\/dt><dd class="big"><time datetime="2026-12-21">21 December 2026/);
  assert.match(account, /0 of 5/);
  assert.ok(!account.includes(number));

  assert.match(await visitor.submit('/sign-out'), /A VPN built to forget/);
  assert.equal(visitor.cookie, undefined);
  const again = lab.visitor();
  const typed = ` ${number.toLowerCase().replaceAll('-', ' ')} `;
  assert.match(await again.submit('/sign-in', { number: typed }), /Your account/);
  assert.match(await again.read('/sign-in'), /Your account/);
  assert.match(await again.read('/'), /href="\/account">Your account/);
});

test('nobody has a cookie before sign-in, and afterwards one that scripts and other sites never see', async () => {
  const visitor = lab.visitor();
  for (const path of PUBLIC) await visitor.send(path);
  assert.deepEqual(visitor.cookies, []);
  await visitor.signUp();
  assert.equal(visitor.cookies.length, 1);
  assert.match(visitor.cookies[0] ?? '', /^lethe=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
});

test('over TLS the cookie is bound to the host, also behind a proxy that ends TLS', async () => {
  const visitor = visitorOf(lab, {}, 'https://vpn.example/');
  const fields = { method: 'POST', headers: { origin: 'https://vpn.example' } };
  assert.equal((await visitor.send('/sign-up', fields)).headers.get('strict-transport-security'), 'max-age=63072000');
  assert.match(visitor.cookies[0] ?? '', /^__Host-lethe=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Strict$/);
  visitor.formToken = /name="token" value="([^"]+)"/.exec(await visitor.read('/account'))?.[1] ?? '';
  assert.equal(
    (await visitor.send('/sign-up', { method: 'POST', headers: { origin: 'http://lethe.test' } })).status,
    403,
  );
  const body = new URLSearchParams({ token: visitor.formToken });
  await visitor.send('/sign-out', { ...fields, body });
  assert.equal(visitor.cookie, undefined);
});

test('every answer is hardened and personal ones are not kept', async () => {
  const visitor = lab.visitor();
  await visitor.signUp();
  for (const path of [...PUBLIC, ...PERSONAL]) {
    const { headers } = await visitor.send(path);
    assert.match(
      headers.get('content-security-policy') ?? '',
      /^default-src 'none'; script-src 'self'; style-src 'self'/,
    );
    assert.doesNotMatch(headers.get('content-security-policy') ?? '', /unsafe|https?:|\*|data:/);
    assert.equal(headers.get('referrer-policy'), 'same-origin', path);
    assert.equal(headers.get('cache-control'), 'no-store', path);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.equal(headers.get('strict-transport-security'), null);
  }
});

test('every page is one document: one heading, landmarks, labels, no script or style inside, nothing from elsewhere', async () => {
  const visitor = lab.visitor();
  const stranger = lab.visitor();
  await visitor.signUp();
  await visitor.submit('/account/devices', { publicKey: `${'C'.repeat(42)}A=` });
  for (const path of [...PUBLIC, ...PERSONAL.slice(0, 8), `/account/devices/${'C'.repeat(42)}A`]) {
    const page = await (await (PUBLIC.includes(path) ? stranger : visitor).send(path)).text();
    assert.equal(page.match(/<h1/g)?.length, 1, path);
    assert.match(page, /<html lang="en">/);
    for (const landmark of ['<header>', '<main id="content"', '<footer>', '<nav '])
      assert.ok(page.includes(landmark), path);
    assert.ok(page.indexOf('class="skip"') < page.indexOf('<header>'));
    assert.doesNotMatch(page, /\sstyle=|\son\w+=|<style|javascript:|<script(?! type="module" src="\/assets)/);
    const own = page.replaceAll(/<a href="https?:[^"]+" rel="external noreferrer">/g, '');
    assert.doesNotMatch(own, /(src|href|action)="(?!\/|#)/, path);
    const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map((match) => match[1]);
    assert.equal(new Set(ids).size, ids.length, path);
    for (const [, id] of page.matchAll(/<input id="([^"]+)"/g)) assert.ok(page.includes(`<label for="${id}"`), path);
    for (const [, refs] of page.matchAll(/aria-describedby="([^"]+)"/g)) {
      for (const ref of refs?.split(' ') ?? []) assert.ok(ids.includes(ref), `${path} ${ref}`);
    }
  }
});

test('assets are named after their content and may be kept', async () => {
  const visitor = lab.visitor();
  const page = await visitor.read('/');
  const paths = [...page.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((match) => match[1] ?? '');
  assert.equal(paths.length, 3);
  const script = await (await visitor.send(paths.find((path) => path.endsWith('.js')) ?? '')).text();
  assert.doesNotMatch(script, /^import /m, 'what most pages do not need');
  paths.push(/import\('(\/assets\/uqr\.[0-9a-f]{16}\.js)'\)/.exec(script)?.[1] ?? '');
  for (const path of paths) {
    const { status, headers } = await visitor.send(path);
    assert.equal(status, 200, path);
    assert.match(headers.get('cache-control') ?? '', /immutable/);
    assert.match(headers.get('content-type') ?? '', /^(text\/(css|javascript)|image\/svg)/);
  }
  assert.equal((await visitor.send('/assets/portal.0000000000000000.css')).status, 404);
});

test('the way to the page that is read is marked, and each page says what the service is', async () => {
  const visitor = lab.visitor();
  assert.match(await visitor.read('/sign-in'), /<a href="\/sign-in" aria-current="page">/);
  assert.match(await visitor.read('/privacy'), /<a href="\/privacy" aria-current="page">/);
  assert.match(await visitor.read('/'), /<meta name="description" content="Lethe: a VPN without a name/);
  await visitor.signUp();
  const account = await visitor.read('/account');
  assert.match(account, /<a href="\/account" aria-current="page">/);
  assert.equal(account.match(/aria-current/g)?.length, 1);
});

test('the start page says what was decided about the service, and nothing that was not', async () => {
  const facts = (page: string) => page.slice(page.indexOf('<ul>'), page.indexOf('<h2>'));
  const plain = facts(await lab.visitor().read('/'));
  assert.match(plain, /2 locations in Switzerland and United States/);
  assert.doesNotMatch(plain, /free for|After that|Run by|Write to us/);
  assert.match(
    plain,
    /The operator has not said who runs this service, what it costs after the trial or how to reach them\./,
  );
  const half = visitorOf(lab, {}, undefined, { facts: { operator: 'Nordlicht, Vienna' } });
  assert.match(facts(await half.read('/')), /has not said what it costs after the trial or how to reach them\./);
  const about = { price: '5 EUR a month', operator: 'Nordlicht, Vienna', contact: 'mailto:help@vpn.example' };
  const visitor = visitorOf(lab, {}, undefined, { facts: { trial: { days: 1, seats: 5 }, ...about } });
  const told = facts(await visitor.read('/'));
  assert.match(
    told,
    /free for 1 day, with 5 connections at once\.[^]*After that: 5 EUR a month\.[^]*Run by Nordlicht, Vienna\./,
  );
  assert.match(told, /<a href="mailto:help@vpn\.example" rel="external noreferrer">Write to us/);
  assert.doesNotMatch(told, /has not said/);
});

test('every page leads to the source of what runs', async () => {
  const visitor = visitorOf(lab, {}, undefined, { assets: loadAssets(true) });
  const path =
    /<a href="(\/assets\/source\.[0-9a-f]{16}\.zip)">Source code/.exec(await visitor.read('/privacy'))?.[1] ?? '';
  const archive = Buffer.from(await (await visitor.send(path)).arrayBuffer());
  assert.equal(archive.toString('latin1', 0, 2), 'PK');
  const elsewhere = visitorOf(lab, {}, undefined, { sourceUrl: 'https://code.example/lethe' });
  assert.match(await elsewhere.read('/'), /<a href="https:\/\/code\.example\/lethe">Source code/);
});

test('a page that says no says where to go from there', async () => {
  const visitor = lab.visitor();
  const ways = (page: string) =>
    [...page.slice(page.indexOf('Where to go')).matchAll(/<li><a href="([^"]+)"/g)].map((way) => way[1]);
  assert.deepEqual(ways(await visitor.read('/nowhere', 404)), ['/', '/sign-in']);
  await visitor.signUp();
  assert.deepEqual(ways(await visitor.read('/nowhere', 404)), ['/', '/account']);
  visitor.formToken = 'x';
  assert.deepEqual(ways(await visitor.submit('/account/kept', {}, 409)), ['/account', '/']);
});

test('a personal page asks a stranger to sign in, and says so when a session is over', async () => {
  for (const path of PERSONAL) {
    assert.equal((await lab.visitor().send(path)).headers.get('location'), '/sign-in', path);
  }
  const visitor = lab.visitor();
  visitor.cookie = 'lethe=expired';
  assert.match(await visitor.read('/account'), /role="status">You were signed out/);
  assert.equal(visitor.cookie, undefined);
  assert.match(await lab.visitor().submit('/account/credentials'), /<h1>Sign in/);
});

test('a wrong number gets a word about what is wrong, stays in the field, and the title says so first', async () => {
  const visitor = lab.visitor();
  const { accountNumber: number } = await lab.visitor().signUp();
  const mistyped = number.startsWith('A') ? `B${number.slice(1)}` : `A${number.slice(1)}`;
  const malformed = await visitor.submit('/sign-in', { number: '<junk>' }, 422);
  assert.match(
    malformed,
    /id="number-error" class="note error" role="alert"><strong>Error: <\/strong>An account number has 20/,
  );
  assert.match(
    malformed,
    /value="&lt;junk&gt;" aria-describedby="number-hint number-error" aria-invalid="true" autofocus/,
  );
  assert.match(malformed, /<title>Error: Sign in – Lethe<\/title>/);
  assert.match(await visitor.read('/sign-in'), /<title>Sign in – Lethe<\/title>/);
  assert.match(await visitor.submit('/sign-in', { number: mistyped }, 422), /typing mistake/);
  assert.match(await visitor.submit('/sign-in', { number: '0'.repeat(20) }, 422), /no account with this number/);
  assert.match(await visitor.submit('/sign-in', {}, 422), /more or fewer/);
});

test('an expired licence is named in words', async () => {
  const real = lab.services.accounts;
  const visitor = visitorOf(lab, {
    seats: { used: () => 14 },
    accounts: changed(real, {
      customerOf: async (token) => {
        const customer = await real.customerOf(token);
        const expiresOn = (today(lab.real.clock) - 1) as ReturnType<typeof today>;
        return customer && { ...customer, licence: { ...customer.licence, expiresOn, seats: 20 } };
      },
    }),
  });
  await visitor.signUp();
  const page = await visitor.read('/account');
  assert.match(page, /Expired on<\/dt>.*20 November 2026/);
  assert.match(page, /New connections are refused\. .* Your account stays for 90 days/);
  assert.match(page, /14 of 20/);
  const paid = visitorOf(lab, {
    accounts: changed(real, {
      customerOf: async (token) => {
        const customer = await real.customerOf(token);
        return customer && { ...customer, licence: { ...customer.licence, trial: false } };
      },
    }),
  });
  paid.cookie = visitor.cookie;
  assert.match(await paid.read('/account'), /Paid until<\/dt>/);
  assert.doesNotMatch(page, /class="pips"/);
});

test('the account number survives back, reload and double click: one form, one account, one page', async () => {
  const accountsNow = async () => (await lab.real.control.db.selectFrom('accounts').select('id').execute()).length;
  const before = await accountsNow();
  const visitor = lab.visitor();
  const once = onceIn(await visitor.read('/sign-up'));
  const welcome = await visitor.submit('/sign-up', { once });
  const number = valueAfter(welcome, 'Account number');
  const { cookie, cookies } = visitor;
  assert.equal(await accountsNow(), before + 1);
  assert.equal(await visitor.submit('/sign-up', { once }), welcome);
  assert.equal(visitor.cookie, cookie);
  assert.equal(cookies.length, 1);
  const other = lab.visitor();
  assert.equal(valueAfter(await other.submit('/sign-up', { once }), 'Account number'), number);
  assert.equal(await accountsNow(), before + 1);
  assert.notEqual(valueAfter(await visitor.submitFrom('/sign-up'), 'Account number'), number);
});

test('the number can be saved as a file and kept by a password manager', async () => {
  const visitor = lab.visitor();
  const once = onceIn(await visitor.read('/sign-up'));
  const welcome = await visitor.submit('/sign-up', { once });
  const number = valueAfter(welcome, 'Account number');
  const file = await visitor.send('/sign-up/file', { method: 'POST', body: new URLSearchParams({ once }) });
  assert.equal(file.headers.get('content-disposition'), 'attachment; filename="lethe-account-number.txt"');
  assert.equal(file.headers.get('cache-control'), 'no-store');
  const text = await file.text();
  assert.match(text, new RegExp(`^Account number: ${number}\r$`, 'm'));
  assert.match(text, /^Sign in: http:\/\/lethe\.test\/sign-in\r$/m);
  assert.ok(welcome.includes(`autocomplete="username" value="${number}"`));
  assert.ok(welcome.includes(`type="password" tabindex="-1" autocomplete="new-password" value="${number}"`));
  assert.match(await visitor.submit('/account/kept', { username: number, password: number }), /<h1>Your account/);
});

test('a sign-up form that is too old, or not ours, makes nothing and gives a new one', async () => {
  const visitor = lab.visitor();
  for (const path of ['/sign-up', '/sign-up/file']) {
    const page = await visitor.submit(path, { once: 'junk' }, 422);
    assert.match(page, /role="status">That form was too old/);
    assert.ok(onceIn(page));
  }
  assert.deepEqual(visitor.cookies, []);
});

test('VPN passwords are made when they are asked for; a reload shows the same, an older form changes nothing', async () => {
  const visitor = lab.visitor();
  await visitor.submitFrom('/sign-up');
  assert.match(await visitor.read('/account'), /You have none yet/);
  assert.match(await visitor.read('/connect/windows'), /You have none yet: <a href="\/account\/credentials">make them/);
  const page = await visitor.read('/account/credentials');
  assert.match(page, /<button>Make a username and passwords/);
  const once = onceIn(page);
  const fresh = await visitor.submit('/account/credentials', { once });
  const username = valueAfter(fresh, 'VPN username');
  assert.equal(await visitor.submit('/account/credentials', { once }), fresh);
  const again = await visitor.read('/account/credentials');
  assert.match(again, /Replace them: the old ones stop working/);
  const next = await visitor.submit('/account/credentials', { once: onceIn(again) });
  assert.notEqual(valueAfter(next, 'VPN username'), username);
  assert.match(
    await visitor.submit('/account/credentials', { once }, 422),
    /role="status">That form was too old, or newer/,
  );
  assert.equal((await visitor.read('/account')).includes(username), false);
});
