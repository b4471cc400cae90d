// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { storedTag } from '../../../proof/labs/control/stored-tag.ts';
import type { Visitor } from '../../../proof/labs/customers/visitor.ts';
import { openTestPortal, visitorOf } from '../../../proof/labs/portal/test-portal.os.ts';
import { isoDate, today } from '../../core/clock/clock.ts';
import { customerStores } from '../../core/inventory/about.ts';
import { DATABASE } from '../../core/inventory/database.ts';
import { INVENTORY } from '../../core/inventory/inventory.ts';
import type { Customer } from '../accounts/account.ts';
import { usageKey, usageTagOf } from '../usage/tag.ts';
import { storeBatch } from '../usage/usage.store.ts';
import { ENGLISH } from './texts.ts';

const lab = await openTestPortal();
after(() => lab.close());

test('the customer sees the real rows beside their declarations', async () => {
  const visitor = lab.visitor();
  await visitor.signUp();
  const page = await visitor.read('/account/remembered');
  for (const store of ['database.accounts', 'database.licences', 'database.sign_ins', 'database.credentials']) {
    assert.ok(page.includes(`<p class="quiet"><code>${store}</code>, 1 row</p>`), store);
  }
  assert.match(page, /<code>expires_on<\/code><\/dt>\s*<dd class="value"><code>2026-12-21/);
  assert.match(page, /last day on which the licence is valid\. How long: until the customer deletes the account/);
});

async function customerOf(visitor: Visitor): Promise<Customer> {
  const customer = await lab.services.accounts.customerOf(visitor.cookie?.slice('lethe='.length) ?? '');
  assert.ok(customer !== undefined);
  return customer;
}

test('usage events stand in a table, all of the customer’s and nobody else’s', async () => {
  const visitor = lab.visitor();
  await visitor.signUp();
  const { db } = lab.real.control;
  const key = usageKey(Buffer.from(readFileSync(lab.real.config.keys.usage, 'utf8'), 'base64'));
  const newest = await db.selectFrom('credentials').selectAll().execute();
  const event = { date: isoDate(today(lab.real.clock)), country: 'CH', isp: 'Example Networks AG', location: 'ch-zrh' };
  for (const [index, row] of newest.entries()) {
    const user = await storedTag(db, key, event.date, usageTagOf(key, row.name_key));
    const events = [
      { ...event, user, megabytes: 7_000_000 + index, protocol: 'openvpn-udp' },
      { ...event, user, megabytes: 8_000_000 + index, protocol: 'wireguard' },
    ];
    await storeBatch(db, `batch-${index}-000000`, today(lab.real.clock), events);
  }
  const page = await visitor.read('/account/remembered');
  assert.match(page, /<code>database\.usage_events<\/code>, 2 rows/);
  assert.match(page, /We remember 2 sessions, the oldest of 21 November 2026; .* Besides, there are \d+ rows/);
  assert.ok(page.indexOf('Your sessions') < page.indexOf('Your account</h2>'));
  const json = await visitor.send('/account/remembered.json');
  assert.equal(json.headers.get('content-disposition'), 'attachment; filename="remembered.json"');
  const { rows } = await lab.services.remembered.of(await customerOf(visitor));
  assert.deepEqual(await json.json(), { rows });
  assert.match(page, /<th scope="col">megabytes<\/th>/);
  assert.equal(page.match(/<td><code>7\d{6}<\/code>/g)?.length, 1);
  assert.equal(page.match(/<td><code>8\d{6}<\/code>/g)?.length, 1);
});

test('somebody without rows is told so', async () => {
  const visitor = visitorOf(lab, { remembered: { of: async () => ({ rows: [], next: undefined }) } });
  await visitor.signUp();
  assert.match(
    await visitor.read('/account/remembered'),
    /We remember none of your sessions[^]*There is no row about you/,
  );
});

test('the privacy policy comes first in words, each kind of row with how long it stays, and leads to every field', async () => {
  const page = await lab.visitor().read('/privacy');
  assert.ok(page.length < 9000, String(page.length));
  for (const { name, fields } of customerStores(DATABASE)) {
    const text = ENGLISH.privacy.kept[name];
    assert.ok(text !== undefined && page.includes(text), name);
    assert.ok(ENGLISH.remembered.stores[name] !== undefined, name);
    for (const { retention } of Object.values(fields)) assert.ok(page.includes(retention), name);
  }
  assert.match(page, /href="\/privacy\/fields"/);
});

test('the privacy policy names every field of the inventory with its purpose and retention', async () => {
  const page = await lab.visitor().read('/privacy/fields');
  const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll("'", '&#39;').replaceAll('"', '&quot;');
  for (const [store, declaration] of Object.entries(INVENTORY)) {
    assert.ok(page.includes(`<code>${store}</code>`), store);
    for (const [field, datum] of Object.entries(declaration)) {
      assert.ok(page.includes(`<code>${field}</code>`), `${store}.${field}`);
      assert.ok(page.includes(escaped(datum.purpose)), datum.purpose);
      assert.ok(page.includes(escaped(datum.retention)), datum.retention);
    }
  }
  assert.doesNotMatch(page.replaceAll(/<[^>]*>/g, ''), /\b[A-Z]\d{1,2}\b/, 'an id that means nothing to a reader');
});

test('what does not fit on one page is counted as more, and leads on', async () => {
  const visitor = lab.visitor();
  await visitor.signUp();
  const { remembered } = lab.services;
  const short = visitorOf(lab, {
    remembered: { of: (customer, page) => remembered.of(customer, { ...page, limit: 2 }) },
  });
  short.cookie = visitor.cookie;
  const first = await short.read('/account/remembered');
  assert.match(first, /Besides, there are 2 rows/);
  const next = /href="(\/account\/remembered\?from=[\d.]+)">More rows/.exec(first)?.[1] ?? '';
  const second = await short.read(next);
  assert.doesNotMatch(second, /Besides/);
  assert.match(second, /database\.(sign_ins|credentials)/);
  assert.ok(second.includes(`href="${next.replace('remembered', 'remembered.json')}"`));
  assert.doesNotMatch(await short.read('/account/remembered?from=%3Cjunk%3E'), /<junk>/);
});
