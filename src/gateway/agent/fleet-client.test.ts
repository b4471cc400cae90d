// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { TestAuthority } from '../../../proof/labs/authority/authority.ts';
import { FakeControl } from '../../../proof/labs/control/fake-control.os.ts';
import { MOST_BEATS } from '../../contracts/fleet/messages.ts';
import { RecordingJournal } from '../../core/journal/journal.ts';
import type { LicenceId } from '../../core/licences/licence.ts';
import type { SessionId } from '../../core/sessions/session.ts';
import { ControlLink } from './control-link.ts';
import { FleetClient, type FleetOptions } from './fleet-client.os.ts';

const TOKEN = 'token-token-token-token-token-token';
const FILE = '/fleet/v1/authfile';
const LIMIT = { bytes: 1000 };
const BEAT = { session: '0011223344556677' as SessionId, licence: 7 as LicenceId };

let ca: string;
let otherCa: string;
let control: FakeControl;

before(async () => {
  const authority = await TestAuthority.create();
  ca = authority.certificate;
  otherCa = (await TestAuthority.create()).certificate;
  control = await FakeControl.open(await authority.server('control.example', ['127.0.0.1']));
});

after(() => control.close());

async function withClient<T>(
  use: (client: FleetClient) => Promise<T>,
  options: Partial<FleetOptions> = {},
): Promise<T> {
  const client = new FleetClient({ controlUrl: control.url, ca, token: TOKEN, timeout: 2000, ...options });
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

const fetchFile = (etag?: string, options?: Partial<FleetOptions>) =>
  withClient((client) => client.fetch(FILE, etag, LIMIT), options);

test('fetches a document with the token, and not again when it has not changed', async () => {
  control.document(FILE, 'content', { etag: '"5"', 'lethe-signature': 'c2ln' });
  const document = await fetchFile();
  assert.deepEqual(document, { etag: '"5"', signature: 'c2ln', body: new Uint8Array(Buffer.from('content')) });
  assert.equal(control.heard.at(-1)?.authorization, `Bearer ${TOKEN}`);
  assert.equal(await fetchFile('"5"'), 'unchanged');
  control.document(FILE, 'content', {});
  assert.deepEqual(await fetchFile(), {
    etag: undefined,
    signature: undefined,
    body: new Uint8Array(Buffer.from('content')),
  });
});

test('any other status is as good as no answer', async () => {
  for (const status of [204, 301, 401, 404, 500, 503]) {
    control.answer(FILE, (_heard, response) => response.writeHead(status, { location: '/elsewhere' }).end());
    assert.equal(await fetchFile(), 'away', String(status));
  }
});

test('an answer that is too long, breaks off, never ends or is no HTTP is none', async () => {
  control.answer(FILE, (_heard, response) => response.end('x'.repeat(1001)));
  assert.equal(await fetchFile(), 'away');
  control.answer(FILE, (_heard, response) => {
    response.writeHead(200, { 'content-length': 100 });
    response.write('x', () => response.destroy());
  });
  assert.equal(await fetchFile(), 'away');
  control.answer(FILE, (_heard, response) => response.write('x'));
  assert.equal(await fetchFile(undefined, { timeout: 200 }), 'away');
  control.answer(FILE, () => undefined);
  assert.equal(await fetchFile(undefined, { timeout: 200 }), 'away');
  control.answer(FILE, (_heard, response) => response.socket?.end('220 mail.example ESMTP\r\n'));
  assert.equal(await fetchFile(), 'away');
});

test('what may take its time may, once it has begun', async () => {
  control.answer(FILE, (_heard, response) => {
    response.write('slow');
    setTimeout(() => response.end(), 2500);
  });
  const slowly = { bytes: 1000, timeout: 60_000 };
  const document = await withClient((client) => client.fetch(FILE, undefined, slowly), { timeout: 2000 });
  assert.ok(typeof document === 'object' && document.body.length === 4);
});

test('only the pinned authority may have signed, and only for this name', async () => {
  control.document(FILE, 'content', {});
  assert.equal(await fetchFile(undefined, { ca: otherCa }), 'away');
  assert.equal(await fetchFile(undefined, { controlUrl: control.url.replace('127.0.0.1', 'localhost') }), 'away');
  assert.equal(await fetchFile(undefined, { controlUrl: 'https://127.0.0.1:1' }), 'away');
});

async function withLink<T>(
  use: (link: ControlLink, journal: RecordingJournal) => Promise<T>,
  options: Partial<FleetOptions> = {},
): Promise<T> {
  const journal = new RecordingJournal();
  return withClient((client) => use(new ControlLink(client, journal), journal), options);
}

test('beats go out, and the ends that come back are sessions', async () => {
  control.answer('/fleet/v1/beats', (_heard, response) => response.end(JSON.stringify({ end: [BEAT.session] })));
  await withLink(async (link) => {
    assert.deepEqual(await link.beats([BEAT]), [BEAT.session]);
    assert.deepEqual(control.bodies('/fleet/v1/beats').at(-1), { beats: [BEAT] });
  });
});

test('of more sessions than a message may name, the oldest are named', async () => {
  control.answer('/fleet/v1/beats', (_heard, response) => response.end('{"end":[]}'));
  const session = (number: number) => number.toString(16).padStart(16, '0') as SessionId;
  const beats = Array.from({ length: MOST_BEATS + 1 }, (_, number) => ({ ...BEAT, session: session(number) }));
  for (const live of [MOST_BEATS, MOST_BEATS + 1]) {
    await withLink(
      async (link, journal) => {
        await link.beats(beats.slice(0, live));
        const { beats: named } = control.bodies('/fleet/v1/beats').at(-1) as { beats: typeof beats };
        assert.deepEqual([named.length, named[0]?.session], [MOST_BEATS, session(0)]);
        assert.equal(named.at(-1)?.session, session(MOST_BEATS - 1));
        assert.deepEqual(journal.events, []);
      },
      { timeout: 60_000 },
    );
  }
});

test('ends that are not sessions are none, and count as control being away', async () => {
  await withLink(async (link, journal) => {
    for (const junk of ['', '{', 'null', '{"end":["x"]}', '{"end":[],"more":1}', '{"end":{}}', '\xff']) {
      control.answer('/fleet/v1/beats', (_heard, response) => response.end(Buffer.from(junk, 'latin1')));
      assert.deepEqual(await link.beats([BEAT]), []);
    }
    control.answer('/fleet/v1/beats', (_heard, response) => response.end('{"end":[]}'));
    assert.deepEqual(await link.beats([]), []);
    assert.deepEqual(journal.codes().slice(-2), ['control_lost', 'control_found']);
  });
});

test('a batch is taken when control says so', async () => {
  const batch = { batch: '0123456789abcdef', events: [] };
  await withLink(async (link) => {
    control.answer('/fleet/v1/usage', (_heard, response) => response.writeHead(503).end());
    assert.equal(await link.usage(batch), 'away');
    control.answer('/fleet/v1/usage', (_heard, response) => response.writeHead(204).end());
    assert.equal(await link.usage(batch), 'taken');
    assert.deepEqual(control.bodies('/fleet/v1/usage').at(-1), batch);
  });
});

test('what the exit refuses is not sent', async () => {
  await withLink(async (link, journal) => {
    const before = control.heard.length;
    assert.deepEqual(await link.beats([{ ...BEAT, session: '192.0.2.1' as SessionId }]), []);
    assert.equal(control.heard.length, before);
    assert.deepEqual(journal.events, [{ code: 'exit_refused', store: 'exit.beat' }]);
  });
});

test('says once that control is away and once that it is back', async () => {
  await withLink(async (link, journal) => {
    const status = { gateway: 'zrh-01', configuration: 'drifted', authfile: 0, release: '0.1.0' } as const;
    for (const code of [204, 500, 500, 204, 204]) {
      control.answer('/fleet/v1/status', (_heard, response) => response.writeHead(code).end());
      await link.status(status);
    }
    assert.deepEqual(journal.codes(), ['control_lost', 'control_found']);
    assert.deepEqual(control.bodies('/fleet/v1/status').at(-1), status);
    link.close();
  });
});
