// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect } from 'node:tls';
import { anything, assert as assertProperty, asyncProperty } from 'fast-check';
import { sql } from 'kysely';
import { storedTag } from '../../proof/labs/control/stored-tag.ts';
import { GATEWAY_TOKEN, openTestControl, type TestControl } from '../../proof/labs/control/test-control.os.ts';
import { openExpected } from '../../src/contracts/fleet/expected.ts';
import { planGateway } from '../../src/contracts/plan/plan.ts';
import { expectConfiguration } from '../../src/control/fleet/expected.ts';
import { fleetApi } from '../../src/control/fleet/fleet.http.ts';
import { AuthFilePublisher, GATHERING, LONGEST_PAUSE } from '../../src/control/fleet/publisher.ts';
import { gatewayOf, locationsOf } from '../../src/control/fleet/registry.ts';
import { SealingThread } from '../../src/control/fleet/sealing.os.ts';
import { GatewayStatuses } from '../../src/control/fleet/statuses.ts';
import { readMaterial } from '../../src/control/program/material.os.ts';
import { serveHttps } from '../../src/control/program/serve.os.ts';
import { ManualClock, today } from '../../src/core/clock/clock.ts';
import type { UsageTag } from '../../src/core/licences/licence.ts';
import { CurrentAuthFile } from '../../src/gateway/authfile/current.ts';
import { run } from '../../src/host/processes/process.os.ts';

let house: TestControl;
before(async () => {
  house = await openTestControl();
});
after(() => house.close());

async function ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const { fleetFetch } = house.control;
  assert.ok(fleetFetch !== undefined);
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const authorization = `Bearer ${GATEWAY_TOKEN}`;
  const request = { method, headers: { authorization, ...headers }, ...(text === undefined ? {} : { body: text }) };
  return fleetFetch(new Request(`https://control.test${path}`, request));
}

async function inForce(): Promise<CurrentAuthFile> {
  const response = await ask('GET', '/fleet/v1/authfile');
  const current = new CurrentAuthFile(createPublicKey(readMaterial(house.config).authfileKey), house.journal);
  assert.equal(current.offer(new Uint8Array(await response.arrayBuffer())), 'in_force');
  return current;
}

const DAY = 86_400_000;

async function settle(): Promise<void> {
  await house.control.publisher.tick();
  house.clock.advance(GATHERING);
  await house.control.publisher.tick();
}

function login(current: CurrentAuthFile, username: string, password: string) {
  const bytes = Buffer.from(`${username}${password}`);
  return current.current?.login(bytes, 0, username.length, username.length, bytes.length);
}

test('who signs up is in the next auth file; rotated credentials leave it', async () => {
  const { accounts, credentials, devices } = house.control.services;
  const made = await accounts.signUp();
  assert.ok(typeof made !== 'string');
  const customer = await accounts.customerOf(made.signIn.token);
  assert.ok(customer !== undefined);
  const old = await credentials.rotate(customer);
  const key = Buffer.alloc(32, 11).toString('base64');
  await devices.add(customer, key);
  assert.equal(login(await inForce(), old.username, old.password), undefined);
  await settle();
  const first = await inForce();
  const entitlement = login(first, old.username, old.password);
  assert.equal(entitlement?.licence, made.customer.licence.id);
  assert.equal(entitlement.seats, 5);
  assert.equal(entitlement.expiresOn, made.customer.licence.expiresOn);
  assert.deepEqual(
    [...(first.current?.peers() ?? [])].map((peer) => Buffer.from(peer.publicKey).toString('base64')),
    [key],
  );
  const name = Buffer.from(old.username);
  assert.equal(first.current?.name(name, 0, name.length)?.entitlement.licence, made.customer.licence.id);
  const fresh = await credentials.rotate(customer);
  await settle();
  const second = await inForce();
  assert.equal(login(second, old.username, old.password), undefined);
  assert.equal(login(second, fresh.username, fresh.password)?.licence, made.customer.licence.id);
  assert.ok((second.current?.version ?? 0) > (first.current?.version ?? 0));
});

test('a licence that has ended stays in the auth file for a fortnight with its last day, and without seats and peers', async () => {
  const { accounts, credentials, devices } = house.control.services;
  const made = await accounts.signUp();
  assert.ok(typeof made !== 'string');
  const { licence } = made.customer;
  const { username, password } = await credentials.rotate(made.customer);
  await devices.add(made.customer, Buffer.alloc(32, 12).toString('base64'));
  const inDays = async (day: number) => {
    const days = licence.expiresOn + day - today(house.clock);
    house.clock.jump(days * DAY);
    await settle();
    const file = await inForce();
    const entitlement = login(file, username, password);
    const peers = [...(file.current?.peers() ?? [])].filter((peer) => peer.entitlement.licence === licence.id).length;
    house.clock.jump(-days * DAY);
    return { expiresOn: entitlement?.expiresOn, peers, seats: house.control.publisher.seatsOf(licence.id) };
  };
  assert.deepEqual(await inDays(0), { expiresOn: licence.expiresOn, peers: 1, seats: 5 });
  assert.deepEqual(await inDays(1), { expiresOn: licence.expiresOn, peers: 0, seats: 0 });
  assert.deepEqual(await inDays(14), { expiresOn: licence.expiresOn, peers: 0, seats: 0 });
  assert.deepEqual(await inDays(15), { expiresOn: undefined, peers: 0, seats: 0 });
  await settle();
});

test('a gateway that has the newest auth file gets no other', async () => {
  const response = await ask('GET', '/fleet/v1/authfile');
  const etag = response.headers.get('etag') ?? '';
  assert.match(etag, /^"\d+"$/);
  assert.equal(response.headers.get('content-type'), 'application/octet-stream');
  assert.equal((await ask('GET', '/fleet/v1/authfile', undefined, { 'if-none-match': etag })).status, 304);
  assert.equal((await ask('GET', '/fleet/v1/authfile', undefined, { 'if-none-match': '"0"' })).status, 200);
});

test('a gateway that waits is answered when there are new credentials, and once its time is over', async () => {
  const etag = (await ask('GET', '/fleet/v1/authfile')).headers.get('etag') ?? '';
  const waiting = (seconds: string) =>
    ask('GET', '/fleet/v1/authfile', undefined, { 'if-none-match': etag, prefer: `wait=${seconds}` });
  let answered = false;
  const first = waiting('15');
  const second = waiting('15').then((response) => {
    answered = true;
    return response;
  });
  assert.equal((await first).status, 304, 'a gateway has one place');
  assert.equal(answered, false);
  const made = await house.control.services.accounts.signUp();
  assert.ok(typeof made !== 'string');
  await house.control.services.credentials.rotate(made.customer);
  await settle();
  assert.equal((await second).status, 200);
  const newest = (await ask('GET', '/fleet/v1/authfile')).headers.get('etag') ?? '';
  assert.notEqual(newest, etag);
  assert.equal((await waiting('15')).status, 200, 'there is a newer one already');
  const headers = { 'if-none-match': newest, prefer: 'wait=1' };
  assert.equal((await ask('GET', '/fleet/v1/authfile', undefined, headers)).status, 304);
});

test('nothing changed, nothing is made; many changes make one file', async () => {
  const { publisher } = house.control;
  await settle();
  const before = publisher.current?.version;
  await settle();
  assert.equal(publisher.current?.version, before);
  for (let change = 0; change < 10; change += 1) publisher.changed();
  await publisher.tick();
  assert.equal(publisher.current?.version, before);
  await settle();
  assert.equal(publisher.current?.version, (before ?? 0) + 1);
});

test('a file that cannot be made leaves the old one in force, is said, and is tried again', async () => {
  const { clock, journal, database } = house;
  const material = readMaterial(house.config);
  const { salt } = await database.db.selectFrom('authfile').select('salt').executeTakeFirstOrThrow();
  const parts = { place: database.server.socket, usageKey: material.usageKey, signingKey: material.authfileKey };
  await using working = new SealingThread({ ...parts, salt: new Uint8Array(salt) as never });
  await using failing = new SealingThread({ ...parts, salt: new Uint8Array(3) as never });
  const publisher = new AuthFilePublisher({ clock, journal, seal: (day) => working.seal(day) });
  await publisher.start();
  const before = publisher.current?.version;
  const broken = new AuthFilePublisher({ clock, journal, seal: (day) => failing.seal(day) });
  await assert.rejects(broken.start());
  broken.changed();
  clock.advance(GATHERING);
  await Promise.all([broken.tick(), broken.tick()]);
  assert.deepEqual(journal.events.at(-1), { code: 'failed', program: 'control', failure: 'authfile' });
  assert.equal(publisher.current?.version, before);
  await broken.stop();
  await publisher.stop();
});

test('files that take long to make are made seldom, and a change waits half a minute at most', async () => {
  const clock = new ManualClock(0);
  let made = 0;
  const sealsIn = async (took: number, milliseconds: number) => {
    const seal = async () => {
      clock.advance(took);
      made += 1;
      return { version: made, bytes: new Uint8Array(), licences: new Float64Array(), seats: new Uint8Array() };
    };
    const publisher = new AuthFilePublisher({ clock, journal: house.journal, seal });
    const before = made;
    for (const until = clock.elapsed() + milliseconds; clock.elapsed() < until; clock.advance(100)) {
      publisher.changed();
      await publisher.tick();
    }
    return made - before;
  };
  // A customer who changes something ten times a second, for ten minutes.
  assert.ok((await sealsIn(10, 600_000)) > 900);
  const often = await sealsIn(500, 600_000);
  assert.ok(often > 50 && often <= 600_000 / 10_500 + 1, `${often}`);
  const seldom = await sealsIn(5000, 600_000);
  assert.ok(seldom >= 15 && seldom <= 600_000 / LONGEST_PAUSE + 1, `${seldom}`);
});

test('a file is made in a thread of its own; one that died is followed by another', async () => {
  const { database } = house;
  const material = readMaterial(house.config);
  const { salt } = await database.db.selectFrom('authfile').select('salt').executeTakeFirstOrThrow();
  const parts = { place: database.server.socket, usageKey: material.usageKey, signingKey: material.authfileKey };
  const thread = new SealingThread({ ...parts, salt: new Uint8Array(salt) as never });
  await sql`with made as (
      insert into accounts select to_hex(n), sha256(n::text::bytea) from generate_series(10000, 40000) as n returning id
    ), bought as (
      insert into licences select 500000000 + row_number() over (), id, '2026-12-31', 5, true from made returning id
    ) insert into credentials select id, substr(sha256(id::text::bytea), 1, 16), substr(sha256(id::text::bytea), 17), substr(sha256(id::text::bytea), 9, 16) from bought`.execute(
    database.db,
  );
  try {
    await thread.seal(today(house.clock));
    const before = performance.eventLoopUtilization();
    const sealed = await thread.seal(today(house.clock));
    const { utilization } = performance.eventLoopUtilization(before);
    assert.ok(sealed.licences.length > 30_000 && sealed.bytes.length > 30_000 * 68);
    assert.ok(utilization < 0.3, `${utilization}`);
    await thread.close();
    assert.ok((await thread.seal(today(house.clock))).version > sealed.version);
  } finally {
    await thread.close();
    await database.db
      .deleteFrom('accounts')
      .where('id', 'in', (query) =>
        query.selectFrom('licences').where('id', '>', 500_000_000).where('id', '<', 500_040_000).select('account'),
      )
      .execute();
  }
});

test('the expected configuration is signed, and its serial grows when it changes', async () => {
  const response = await ask('GET', '/fleet/v1/expected');
  const body = await response.text();
  const document = JSON.parse(body) as { gateway: string; serial: number; files: Record<string, string> };
  assert.deepEqual(Object.keys(document), ['gateway', 'serial', 'location', 'release', 'files']);
  assert.match(document.files['openvpn.conf'] ?? '', /^[0-9a-f]{64}$/);
  const { expectedKey } = readMaterial(house.config);
  const signature = response.headers.get('lethe-signature') ?? '';
  assert.deepEqual(openExpected(Buffer.from(body), signature, createPublicKey(expectedKey)), document);
  assert.equal(response.headers.get('etag'), `"${document.serial}"`);
  const headers = { 'if-none-match': `"${document.serial}"` };
  assert.equal((await ask('GET', '/fleet/v1/expected', undefined, headers)).status, 304);
  const plan = planGateway({ ...house.config.fleet?.gateways[0], address6: undefined } as never);
  const again = (content: string) =>
    expectConfiguration(house.database.db, plan, [{ name: 'openvpn.conf', content }], '0.1.0', expectedKey);
  const same = await again(`# ${plan.gateway}\n`);
  assert.equal(same.serial, document.serial);
  assert.equal((await again('# other\n')).serial, document.serial + 1);
  assert.equal((await again('# other\n')).serial, document.serial + 1);
});

test('beats are counted, and what is over the limit is told to end', async () => {
  const made = await house.control.services.accounts.signUp();
  assert.ok(typeof made !== 'string');
  await house.control.services.credentials.rotate(made.customer);
  await settle();
  const licence = made.customer.licence.id;
  const beats = Array.from({ length: 6 }, (_, index) => ({ session: `000000000000000${index}`, licence }));
  const response = await ask('POST', '/fleet/v1/beats', { beats });
  assert.deepEqual(await response.json(), { end: ['0000000000000005'] });
  assert.equal(house.control.services.seats.used(licence), 5);
  const { rows } = await house.control.services.remembered.of({
    account: 'x' as never,
    licence: made.customer.licence,
  });
  assert.equal(rows.filter((row) => row.store === 'live.seats').length, 5);
});

const EVENT = {
  date: '2026-11-21',
  user: '0011223344556677',
  country: 'unknown',
  isp: 'unknown',
  megabytes: 1,
  location: 'ch-zrh',
  protocol: 'openvpn-tcp',
};

test('usage arrives once', async () => {
  const batch = { batch: 'batch-from-gateway', events: [EVENT, EVENT] };
  assert.equal((await ask('POST', '/fleet/v1/usage', batch)).status, 204);
  assert.equal((await ask('POST', '/fleet/v1/usage', batch)).status, 204);
  const { usageKey } = readMaterial(house.config);
  const user = await storedTag(house.database.db, usageKey, EVENT.date, EVENT.user as UsageTag);
  const rows = await house.database.db.selectFrom('usage_events').selectAll().execute();
  assert.deepEqual(rows, [
    { ...EVENT, user },
    { ...EVENT, user },
  ]);
});

test('an event with a seventh field is refused at the door', async () => {
  const batch = { batch: 'batch-with-more', events: [{ ...EVENT, source_ip: '192.0.2.7' }] };
  const response = await ask('POST', '/fleet/v1/usage', batch);
  assert.equal(response.status, 400);
  assert.equal(await response.text(), '');
});

test('a gateway speaks for itself only', async () => {
  const status = { gateway: 'zrh-01', configuration: 'in_force', authfile: 3, release: '0.1.0' };
  assert.equal((await ask('POST', '/fleet/v1/status', status)).status, 204);
  assert.deepEqual(house.control.statuses.get('zrh-01'), status);
  assert.equal((await ask('POST', '/fleet/v1/status', { ...status, gateway: 'zrh-02' })).status, 400);
  assert.equal((await ask('POST', '/fleet/v1/status', { ...status, configuration: 'odd' })).status, 400);
  assert.equal((await ask('POST', '/fleet/v1/status', { ...status, load: 1 })).status, 400);
});

test('strangers, unknown paths and junk are refused without a word', async () => {
  for (const authorization of ['', 'Bearer', `Bearer ${'b'.repeat(43)}`, `Basic ${GATEWAY_TOKEN}`, 'Bearer \u00e9']) {
    assert.equal((await ask('GET', '/fleet/v1/authfile', undefined, { authorization })).status, 401);
  }
  assert.equal((await ask('GET', '/fleet/v1/nothing')).status, 404);
  assert.equal((await ask('POST', '/fleet/v1/authfile', '')).status, 404);
  for (const body of ['', '{', 'null', '7', '[]', '{"beats":7}', '{"beats":[],"x":1}', '{"beats":[{"session":"1"}]}']) {
    for (const path of ['beats', 'usage', 'status']) {
      assert.equal((await ask('POST', `/fleet/v1/${path}`, body)).status, 400);
    }
  }
  assert.equal((await ask('POST', '/fleet/v1/beats', 'a'.repeat(8 * 1024 * 1024 + 1))).status, 413);
  assert.equal(await endlessBody('/fleet/v1/beats'), 413);
  const junk = asyncProperty(anything(), async (value) => {
    const body = JSON.stringify(value) ?? 'undefined';
    for (const path of ['beats', 'usage', 'status']) {
      assert.equal((await ask('POST', `/fleet/v1/${path}`, body)).status, 400);
    }
  });
  await assertProperty(junk, { numRuns: 50 });
});

async function endlessBody(path: string): Promise<number> {
  const piece = new Uint8Array(1024 * 1024).fill(32);
  const body = new ReadableStream({ pull: (controller) => controller.enqueue(piece) });
  const headers = { authorization: `Bearer ${GATEWAY_TOKEN}` };
  const request = new Request(`https://control.test${path}`, { method: 'POST', body, headers, duplex: 'half' });
  return (await house.control.fleetFetch?.(request))?.status ?? 0;
}

test('of a stranger nothing but the headers is read, and the connection ends', async () => {
  const { config, control } = house;
  const { fleetTls } = readMaterial(config);
  const { fleetFetch } = control;
  assert.ok(fleetTls !== undefined && fleetFetch !== undefined);
  const crowd = { perSource: 64, strangers: 64, known: () => new Set<string>() };
  const listening = await serveHttps({ address: '127.0.0.1', port: 0, tls: fleetTls, crowd }, fleetFetch);
  try {
    const { port } = new URL(listening.url);
    const told: string[] = [];
    for (const token of ['x'.repeat(43), 'x']) {
      const socket = connect({ host: '127.0.0.1', port: Number(port), rejectUnauthorized: false });
      socket.on('error', () => undefined).on('data', (chunk) => told.push(String(chunk)));
      // A body that is announced, and never comes.
      socket.write(`POST /fleet/v1/usage HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n`);
      socket.write('transfer-encoding: chunked\r\n\r\n');
      await once(socket, 'close');
    }
    assert.equal(told.length, 2);
    for (const text of told) assert.match(text, /^HTTP\/1\.1 401 [^]*connection: close/i);
  } finally {
    await listening.close();
  }
});

test('before anything is published a gateway is told to come back; a failure of our own is one status', async () => {
  const { clock, journal } = house;
  const fleet = [{ plan: planGateway({ gateway: 'zrh-01' } as never), ...secrets() }];
  const usage = { take: async () => undefined };
  const statuses = new GatewayStatuses([], { clock, journal });
  const parts = { journal, fleet, usage, expected: new Map(), statuses };
  const seats = house.control.seats;
  const empty = fleetApi({ ...parts, seats, authfile: { current: undefined, otherThan: async () => undefined } });
  const headers = { authorization: `Bearer ${GATEWAY_TOKEN}` };
  assert.equal((await empty.request('/fleet/v1/authfile', { headers })).status, 503);
  assert.equal((await empty.request('/fleet/v1/expected', { headers })).status, 503);
  const failing = fleetApi({
    ...parts,
    seats,
    authfile: {
      get current(): never {
        throw new Error('secret');
      },
      otherThan: async () => undefined,
    },
  });
  const response = await failing.request('/fleet/v1/authfile', { headers });
  assert.equal(response.status, 500);
  assert.equal(await response.text(), '');
  assert.deepEqual(journal.events.at(-1), { code: 'failed', program: 'control', failure: 'fleet' });
});

function secrets() {
  const tokenHash = Buffer.from(house.config.fleet?.gateways[0]?.tokenHash ?? '', 'hex');
  return { tokenHash, wireguardKey: Buffer.alloc(32, 9).toString('base64') };
}

test('the list of locations is public, complete, and signed as minisign wants it', async () => {
  const response = await house.ask('GET', '/api/v1/locations');
  assert.equal(response.headers.get('content-type'), 'application/json');
  const document = await response.text();
  assert.deepEqual(JSON.parse(document), {
    service: 'Lethe',
    date: '2026-11-21',
    locations: [
      {
        id: 'ch-zrh',
        name: 'Zürich, Switzerland',
        country: 'CH',
        gateways: [
          {
            name: 'zrh-01.lethe.test',
            address4: '192.0.2.1',
            address6: '',
            openvpn_udp: 1194,
            openvpn_tcp: 443,
            wireguard_port: 51_820,
            wireguard_key: Buffer.alloc(32, 9).toString('base64'),
          },
        ],
      },
    ],
  });
  const directory = dirname(house.config.caCertificate);
  const list = join(directory, 'locations.json');
  writeFileSync(list, document);
  writeFileSync(`${list}.minisig`, await (await house.ask('GET', '/api/v1/locations.minisig')).text());
  writeFileSync(join(directory, 'minisign.pub'), await (await house.ask('GET', '/api/v1/locations.pub')).text());
  const said = await run(['minisign', '-V', '-p', join(directory, 'minisign.pub'), '-m', list]);
  assert.match(said, /Trusted comment: locations 2026-11-21/);
  assert.equal(house.control.services.locations.list()[0]?.id, 'ch-zrh');
  house.clock.advance(86_400_000);
  assert.match(house.control.services.locations.signed().document, /"date":"2026-11-22"/);
  assert.equal(today(house.clock), 20_779);
});

test('a location without a gateway is not offered, and an IPv6 address is', () => {
  const fleet = [{ plan: planGateway({ location: 'a', address6: '2001:db8::1' } as never), ...secrets() }];
  const places = ['a', 'b'].map((id) => ({ id, name: id, country: 'CH' }));
  const [first, ...others] = locationsOf(places, fleet);
  assert.equal(first?.gateways[0]?.address6, '2001:db8::1');
  assert.deepEqual(others, []);
  assert.equal(gatewayOf(fleet, GATEWAY_TOKEN), fleet[0]);
  assert.equal(gatewayOf(fleet, ''), undefined);
});

test('a customer who has a device and never asked for passwords is in the auth file', async () => {
  const { accounts, devices } = house.control.services;
  const made = await accounts.signUp();
  assert.ok(typeof made !== 'string');
  const key = Buffer.alloc(32, 13);
  await devices.add(made.customer, key.toString('base64'));
  await settle();
  const peer = (await inForce()).current?.peer(key, 0);
  assert.equal(peer?.entitlement.licence, made.customer.licence.id);
  assert.equal(house.control.publisher.seatsOf(made.customer.licence.id), 5);
});
