// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assert as assertProperty, asyncProperty, json, string, webPath } from 'fast-check';
import { openTestControl, type TestControl } from '../../../proof/labs/control/test-control.os.ts';

let house: TestControl;
before(async () => {
  house = await openTestControl();
});
after(() => house.close());

interface SignedUp {
  readonly account_number: string;
  readonly token: string;
  readonly token_expires_on: string;
  readonly licence: { readonly expires_on: string; readonly seats: number };
  readonly credentials: { readonly username: string; readonly password: string; readonly ike_password: string };
}

async function signUp(): Promise<SignedUp> {
  const response = await house.ask('POST', '/api/v1/accounts');
  assert.equal(response.status, 201);
  return (await response.json()) as SignedUp;
}

async function refusal(response: Response): Promise<string> {
  assert.equal(response.headers.get('content-type'), 'application/problem+json');
  const problem = (await response.json()) as { code: string; status: number; type: string; title: string };
  assert.equal(problem.status, response.status);
  assert.deepEqual(Object.keys(problem), ['type', 'title', 'status', 'code']);
  return problem.code;
}

const KEY = Buffer.alloc(32, 7).toString('base64');

test('one call signs up; the number signs in again, however it is typed', async () => {
  const made = await signUp();
  assert.match(made.account_number, /^([0-9A-HJKMNP-TV-Z]{4}-){4}[0-9A-HJKMNP-TV-Z]{4}$/);
  assert.equal(made.licence.expires_on, '2026-12-21');
  assert.equal(made.licence.seats, 5);
  assert.equal(made.token_expires_on, '2026-12-21');
  for (const secret of Object.values(made.credentials)) assert.match(secret, /^[0-9A-Za-z_-]{20}$/);
  const typed = ` ${made.account_number.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l')} `;
  const response = await house.ask('POST', '/api/v1/sign-ins', { body: { account_number: typed } });
  assert.equal(response.status, 201);
  const { token } = (await response.json()) as { token: string };
  assert.notEqual(token, made.token);
  const licence = await house.ask('GET', '/api/v1/licence', { token });
  assert.deepEqual(await licence.json(), { expires_on: '2026-12-21', seats: 5, trial: true });
});

test('a sign-in ends by sign-out and by its date', async () => {
  const { token, account_number } = await signUp();
  assert.equal((await house.ask('DELETE', '/api/v1/sign-ins/current', { token })).status, 204);
  assert.equal(await refusal(await house.ask('GET', '/api/v1/licence', { token })), 'not_signed_in');
  const again = await house.ask('POST', '/api/v1/sign-ins', { body: { account_number } });
  const { token: second } = (await again.json()) as { token: string };
  house.clock.jump(31 * 86_400_000);
  try {
    assert.equal(await refusal(await house.ask('GET', '/api/v1/licence', { token: second })), 'not_signed_in');
  } finally {
    house.clock.jump(-31 * 86_400_000);
  }
});

test('the account number is told apart: no number, mistyped, unknown', async () => {
  const signIn = async (account_number: string) =>
    refusal(await house.ask('POST', '/api/v1/sign-ins', { body: { account_number } }));
  assert.equal(await signIn(''), 'account_malformed');
  assert.equal(await signIn('ABCD-EFGH'), 'account_malformed');
  assert.equal(await signIn('0000-0000-0000-0000-0001'), 'account_mistyped');
  assert.equal(await signIn('0000-0000-0000-0000-0000'), 'account_unknown');
});

test('credentials are new each time and unrelated', async () => {
  const { token, credentials } = await signUp();
  const response = await house.ask('POST', '/api/v1/credentials', { token });
  assert.equal(response.status, 201);
  const fresh = (await response.json()) as SignedUp['credentials'];
  const all = [...Object.values(credentials), ...Object.values(fresh)];
  assert.equal(new Set(all).size, 6);
});

test('WireGuard keys are brought, listed and removed', async () => {
  const { token } = await signUp();
  const added = await house.ask('POST', '/api/v1/devices', { token, body: { public_key: KEY } });
  assert.equal(added.status, 201);
  const device = (await added.json()) as { public_key: string; address4: string; address6: string };
  assert.match(device.address4, /^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.\d+\.\d+$/);
  assert.match(device.address6, /^fd6c:6574:6865:4::(?:[0-9a-f]{1,2}:)?[0-9a-f]{1,4}$/);
  assert.deepEqual(await (await house.ask('GET', '/api/v1/devices', { token })).json(), { devices: [device] });
  const path = `/api/v1/devices/${Buffer.from(KEY, 'base64').toString('base64url')}=`;
  assert.equal((await house.ask('DELETE', path, { token })).status, 204);
  assert.equal(await refusal(await house.ask('DELETE', path, { token })), 'not_found');
  const bad = await house.ask('POST', '/api/v1/devices', { token, body: { public_key: 'AAAA' } });
  assert.equal(await refusal(bad), 'key_malformed');
});

test('seats, activations and what is remembered', async () => {
  const { token } = await signUp();
  assert.deepEqual(await (await house.ask('GET', '/api/v1/seats', { token })).json(), { used: 0, limit: 5 });
  const activation = { app: 'lethe-android', app_version: '1.4.2', os: 'android-16' };
  assert.equal((await house.ask('POST', '/api/v1/activations', { token, body: activation })).status, 204);
  const answer = await house.ask('GET', '/api/v1/remembered', { token });
  const { rows } = (await answer.json()) as { rows: { store: string; fields: { name: string }[] }[] };
  assert.deepEqual(
    rows.map((row) => row.store),
    ['database.accounts', 'database.licences', 'database.sign_ins', 'database.credentials'],
  );
  const stored = await house.database.db.selectFrom('activations').selectAll().execute();
  assert.deepEqual(stored, [{ ...activation, activated_on: '2026-11-21' }]);
});

test('an undeclared field is refused on its way in', async () => {
  const { token } = await signUp();
  for (const extra of [{ source_ip: '192.0.2.7' }, JSON.parse('{"__proto__":{"x":1}}') as object]) {
    const body = JSON.stringify({ app: 'a', app_version: '1', os: 'b' }).replace(
      '{',
      `${JSON.stringify(extra).slice(0, -1)},`,
    );
    assert.equal(await refusal(await house.ask('POST', '/api/v1/activations', { token, body })), 'invalid');
  }
});

test('an undeclared field cannot leave: the answer is held back and that is said', async () => {
  const { token } = await signUp();
  const field = { name: 'seats', value: '5', kind: 'count', purpose: 'p', retention: 'r', source_ip: '192.0.2.7' };
  const { remembered } = house.control.services;
  const original = remembered.of.bind(remembered);
  remembered.of = async () => ({ rows: [{ store: 'database.licences', fields: [field] }], next: undefined });
  try {
    const response = await house.ask('GET', '/api/v1/remembered', { token });
    assert.equal(response.status, 500);
    assert.equal(await refusal(response), 'undeclared');
  } finally {
    remembered.of = original;
  }
  assert.deepEqual(house.journal.events.at(-1), { code: 'exit_refused', store: 'api' });
});

test('one customer who changes something again and again is told to wait, and no other is', async () => {
  const [busy, quiet] = [await signUp(), await signUp()];
  const app = { app: 'lethe-android', app_version: '1.0', os: 'android-16' };
  const change = async (token: string) => (await house.ask('POST', '/api/v1/activations', { token, body: app })).status;
  const answers = [];
  for (let attempt = 0; attempt < 41; attempt += 1) answers.push(await change(busy.token));
  assert.deepEqual([new Set(answers.slice(0, 40)), answers[40]], [new Set([204]), 429]);
  const path = `/api/v1/devices/${Buffer.alloc(32, 5).toString('base64url')}`;
  for (const [method, where] of [
    ['POST', '/api/v1/credentials'],
    ['DELETE', path],
  ] as const) {
    assert.equal(await refusal(await house.ask(method, where, { token: busy.token })), 'busy');
  }
  const body = { public_key: Buffer.alloc(32, 5).toString('base64') };
  assert.equal(await refusal(await house.ask('POST', '/api/v1/devices', { token: busy.token, body })), 'busy');
  assert.equal(await change(quiet.token), 204);
  house.clock.advance(30_000);
  assert.deepEqual([await change(busy.token), await change(busy.token)], [204, 429]);
});

test('sign-ins elsewhere can be ended, the number changed, and the account deleted', async () => {
  const made = await signUp();
  const signIn = (number: string) => house.ask('POST', '/api/v1/sign-ins', { body: { account_number: number } });
  const elsewhere = async (number: string) => ((await (await signIn(number)).json()) as { token: string }).token;
  const works = async (token: string) => (await house.ask('GET', '/api/v1/licence', { token })).status === 200;

  const first = await elsewhere(made.account_number);
  const another = await signUp();
  assert.equal((await house.ask('DELETE', '/api/v1/sign-ins/others', { token: made.token })).status, 204);
  assert.deepEqual([await works(made.token), await works(first), await works(another.token)], [true, false, true]);

  const second = await elsewhere(made.account_number);
  const changed = await house.ask('POST', '/api/v1/account-number', { token: made.token });
  assert.equal(changed.status, 201);
  const { account_number: fresh } = (await changed.json()) as { account_number: string };
  assert.notEqual(fresh, made.account_number);
  assert.deepEqual([await works(made.token), await works(second)], [true, false]);
  assert.equal(await refusal(await signIn(made.account_number)), 'account_unknown');
  assert.ok(await works(await elsewhere(fresh)));

  const body = { public_key: Buffer.alloc(32, 77).toString('base64') };
  assert.equal((await house.ask('POST', '/api/v1/devices', { token: made.token, body })).status, 201);
  assert.equal((await house.ask('DELETE', '/api/v1/account', { token: made.token })).status, 204);
  assert.equal(await works(made.token), false);
  assert.equal(await refusal(await signIn(fresh)), 'account_unknown');
  const key = Buffer.alloc(32, 77);
  assert.deepEqual(
    await house.database.db.selectFrom('devices').where('public_key', '=', key).selectAll().execute(),
    [],
  );
  assert.ok(await works(another.token));
});

test('what is remembered comes in pages', async () => {
  const { token } = await signUp();
  const page = async (query: string) => {
    const response = await house.ask('GET', `/api/v1/remembered${query}`, { token });
    assert.equal(response.status, 200);
    return (await response.json()) as { rows: { store: string }[]; next: string };
  };
  const [first, all] = [await page('?limit=2'), await page('')];
  assert.equal(first.rows.length, 2);
  const rest = await page(`?cursor=${first.next}&limit=200`);
  assert.deepEqual([...first.rows, ...rest.rows], all.rows);
  assert.deepEqual([rest.next, all.next], ['', '']);
  for (const query of ['?limit=0', '?limit=201', '?limit=x', '?cursor=1', "?cursor=0.0'--"]) {
    assert.equal(await refusal(await house.ask('GET', `/api/v1/remembered${query}`, { token })), 'invalid');
  }
});

test('a failure of our own says nothing but that', async () => {
  const { accounts } = house.control.services;
  const original = accounts.signUp.bind(accounts);
  accounts.signUp = () => Promise.reject(new Error('secret 192.0.2.7'));
  try {
    const response = await house.ask('POST', '/api/v1/accounts');
    const text = await response.clone().text();
    assert.equal(await refusal(response), 'failed');
    assert.equal(text.includes('192.0.2.7'), false);
  } finally {
    accounts.signUp = original;
  }
  assert.deepEqual(house.journal.events.at(-1), { code: 'failed', program: 'control', failure: 'api' });
});

test('bodies that are no request', async () => {
  const signIn = (body: string, headers: Record<string, string> = {}) =>
    house.ask('POST', '/api/v1/sign-ins', { body, headers });
  assert.equal(await refusal(await signIn('{')), 'malformed_json');
  assert.equal(await refusal(await signIn('')), 'malformed_json');
  assert.equal(await refusal(await signIn('[]')), 'invalid');
  assert.equal(await refusal(await signIn('null')), 'invalid');
  assert.equal(await refusal(await signIn('[')), 'malformed_json');
  assert.equal(await refusal(await signIn('['.repeat(60_000) + ']'.repeat(5000))), 'malformed_json');
  assert.equal(await refusal(await signIn('{}', { 'content-type': 'text/plain' })), 'wrong_content_type');
  assert.equal(await refusal(await signIn('a'.repeat(65_537))), 'too_large');
  assert.equal(await refusal(await signIn(JSON.stringify({ account_number: 'A'.repeat(129) }))), 'invalid');
  assert.equal(await refusal(await signIn(JSON.stringify({ account_number: 7 }))), 'invalid');
});

test('a body of unknown length is cut off at the same size', async () => {
  const piece = new Uint8Array(16_384).fill(32);
  let sent = 0;
  const body = new ReadableStream({
    pull(controller) {
      sent += 1;
      if (sent > 100) controller.close();
      else controller.enqueue(piece);
    },
  });
  const headers = { 'content-type': 'application/json' };
  const request = new Request('http://lethe.test/api/v1/sign-ins', { method: 'POST', body, headers, duplex: 'half' });
  assert.equal(await refusal(await house.control.publicFetch(request)), 'too_large');
  assert.ok(sent < 20);
});

test('when there is too much to do, the answer is busy', async () => {
  const { accounts } = house.control.services;
  const [signUp, signIn] = [accounts.signUp.bind(accounts), accounts.signIn.bind(accounts)];
  accounts.signUp = () => Promise.resolve('busy');
  accounts.signIn = () => Promise.resolve('busy');
  try {
    assert.equal(await refusal(await house.ask('POST', '/api/v1/accounts')), 'busy');
    const body = { account_number: '0000-0000-0000-0000-0000' };
    assert.equal(await refusal(await house.ask('POST', '/api/v1/sign-ins', { body })), 'busy');
  } finally {
    accounts.signUp = signUp;
    accounts.signIn = signIn;
  }
});

test('random bodies, tokens and paths get a closed code, never a crash', async () => {
  const codes = new Set<string>();
  const property = asyncProperty(json(), string({ maxLength: 60 }), webPath(), async (body, token, path) => {
    const headers = { authorization: encodeURIComponent(`Bearer ${token}`) };
    codes.add(await refusal(await house.ask('POST', '/api/v1/devices', { body, headers })));
    codes.add(await refusal(await house.ask('POST', '/api/v1/sign-ins', { body })));
    codes.add(await refusal(await house.ask('GET', `/api/v1/x${path}`)));
  });
  await assertProperty(property, { numRuns: 60 });
  assert.deepEqual([...codes].sort(), ['invalid', 'not_found', 'not_signed_in']);
});

test('unknown paths and methods', async () => {
  assert.equal(await refusal(await house.ask('GET', '/api/v1/nothing')), 'not_found');
  assert.equal(await refusal(await house.ask('GET', '/api/')), 'not_found');
  const response = await house.ask('PUT', '/api/v1/devices');
  assert.equal(response.headers.get('allow'), 'GET, POST');
  assert.equal(await refusal(response), 'method_not_allowed');
});

test('the type of a problem leads to a page that says what it is', async () => {
  const { type, title } = (await (await house.ask('GET', '/api/v1/licence')).json()) as Record<string, string>;
  const page = await house.ask('GET', type ?? '');
  assert.equal(page.status, 200);
  assert.equal(await page.text(), `${title}\n\nHTTP 401 not_signed_in\n`);
  for (const path of ['/problems/nothing', '/problems/constructor', '/problems/'])
    assert.equal(await refusal(await house.ask('GET', path)), 'not_found', path);
});

test('a key is removed however it is written', async () => {
  const { token } = await signUp();
  const key = Buffer.alloc(32, 0xfb).toString('base64');
  assert.match(key, /[+/].*=/);
  const url = key.replaceAll('+', '-').replaceAll('/', '_');
  for (const written of [encodeURIComponent(key), url, url.replace('=', '')]) {
    const added = await house.ask('POST', '/api/v1/devices', { token, body: { public_key: key } });
    assert.equal(added.status, 201);
    assert.equal((await house.ask('DELETE', `/api/v1/devices/${written}`, { token })).status, 204, written);
  }
});

test('every answer carries the strict headers', async () => {
  for (const response of [await house.ask('GET', '/api/v1/licence'), await house.ask('GET', '/openapi.json')]) {
    assert.equal(response.headers.get('cache-control'), 'no-store');
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
    assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'none'/);
    assert.equal(response.headers.get('set-cookie'), null);
  }
});

test('the description is OpenAPI 3.1 and names every operation and problem', async () => {
  const response = await house.ask('GET', '/openapi.json');
  const document = (await response.json()) as {
    openapi: string;
    info: { title: string };
    paths: Record<string, Record<string, { responses: Record<string, unknown>; security?: unknown }>>;
    components: { schemas: Record<string, { additionalProperties: boolean }> };
  };
  assert.equal(document.openapi, '3.1.0');
  assert.deepEqual(Object.keys(document.paths).sort(), [
    '/api/v1/account',
    '/api/v1/account-number',
    '/api/v1/accounts',
    '/api/v1/activations',
    '/api/v1/credentials',
    '/api/v1/devices',
    '/api/v1/devices/{public_key}',
    '/api/v1/licence',
    '/api/v1/locations',
    '/api/v1/locations.minisig',
    '/api/v1/locations.pub',
    '/api/v1/remembered',
    '/api/v1/seats',
    '/api/v1/sign-ins',
    '/api/v1/sign-ins/current',
    '/api/v1/sign-ins/others',
  ]);
  assert.deepEqual(Object.keys(document.paths['/api/v1/devices']?.post?.responses ?? {}), [
    '201',
    '400',
    '401',
    '409',
    '413',
    '415',
    '422',
    '429',
    '500',
    '503',
  ]);
  assert.equal(document.components.schemas.licence?.additionalProperties, false);
  assert.equal(document.info.title, 'Lethe', 'the name of the service');
  const list = document.paths['/api/v1/locations']?.get?.responses ?? {};
  assert.match(JSON.stringify(list), /"schema":\{"\$ref":"#\/components\/schemas\/location_list"\}/);
  assert.deepEqual(Object.keys(list), ['200', '500']);
  assert.equal(Object.hasOwn(document.paths['/api/v1/licence']?.get?.responses ?? {}, '413'), false, 'nothing is read');
});

test('when the database is away the answer says so, and later requests work again', async () => {
  const { token } = await signUp();
  const { accounts } = house.control.services;
  const customerOf = accounts.customerOf.bind(accounts);
  accounts.customerOf = () => Promise.reject(Object.assign(new Error('away'), { code: 'ECONNREFUSED' }));
  try {
    const response = await house.ask('GET', '/api/v1/licence', { token });
    assert.equal(response.headers.get('retry-after'), '5');
    assert.equal(await refusal(response), 'unavailable');
  } finally {
    accounts.customerOf = customerOf;
  }
  assert.equal((await house.ask('GET', '/api/v1/licence', { token })).status, 200);
});
