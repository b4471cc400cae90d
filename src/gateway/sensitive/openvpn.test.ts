// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { AuthFile, AuthSource } from '../../contracts/authfile/authfile.ts';
import type { Entitlement } from '../../core/licences/licence.ts';
import type { OriginLookup } from '../geoip/origin.ts';
import { innerKey, type OpenvpnListener, OpenvpnReader } from './openvpn.ts';

const ALICE = { licence: 1, expiresOn: 1, seats: 5, usageTag: '00' } as unknown as Entitlement;
const encoder = new TextEncoder();
const text = (bytes: Uint8Array, start: number, end: number) => new TextDecoder().decode(bytes.subarray(start, end));

/** Knows one customer, and says what it was asked. */
class Known implements AuthSource {
  readonly asked: string[] = [];
  readonly current = {
    login: (bytes: Uint8Array, userStart: number, userEnd: number, start: number, end: number) => {
      this.asked.push(`${text(bytes, userStart, userEnd)}/${text(bytes, start, end)}`);
      return this.asked.at(-1) === 'alice/secret' ? ALICE : undefined;
    },
    name: (bytes: Uint8Array, start: number, end: number) => {
      this.asked.push(text(bytes, start, end));
      return this.asked.at(-1) === 'alice' ? { entitlement: ALICE, ntHash: new Uint8Array(16) } : undefined;
    },
  } as unknown as AuthFile;

  onChange(): void {
    this.asked.push('listener');
  }
}

function setUp() {
  const told: unknown[] = [];
  const tell =
    (name: string) =>
    (...what: unknown[]) =>
      void told.push([name, ...what]);
  const listener: OpenvpnListener = {
    pid: tell('pid'),
    login: tell('login'),
    established: tell('established'),
    address: tell('address'),
    counted: tell('counted'),
    ended: tell('ended'),
    listed: tell('listed'),
    listEnd: tell('listEnd'),
  };
  const auth = new Known();
  const origin: OriginLookup = {
    of: (bytes, start, length) => ({
      country: 'CH',
      isp: Buffer.from(bytes.subarray(start, start + length)).toString('hex'),
    }),
  };
  const reader = new OpenvpnReader(auth, origin, listener);
  const hear = (bytes: Uint8Array, piece = 65_536) => {
    for (let at = 0; at < bytes.length; at += piece) {
      const part = bytes.subarray(at, at + piece);
      reader.receive.set(part);
      if (!reader.received(part.length)) return false;
      assert.ok(reader.receive.subarray(0, part.length).every((byte) => byte === 0));
    }
    return true;
  };
  return { told, auth, reader, hear, say: (...lines: string[]) => hear(encoder.encode(`${lines.join('\r\n')}\r\n`)) };
}

function connect(variables: Readonly<Record<string, string>>, kind = 'CONNECT,7,1'): string[] {
  const lines = Object.entries(variables).map(([name, value]) => `>CLIENT:ENV,${name}=${value}`);
  return [`>CLIENT:${kind}`, ...lines, '>CLIENT:ENV,END'];
}

const LOGIN = {
  n_clients: '0',
  password: 'secret',
  session_id: 'AAAAAAAB+/',
  untrusted_ip: '203.0.113.7',
  username: 'alice',
};

test('a login is looked up, whatever pieces it comes in', () => {
  const login = { cid: 7, kid: 1, byToken: false, tokenSession: 1 };
  for (const piece of [1, 7, 65_536]) {
    const { told, auth, hear } = setUp();
    assert.ok(hear(encoder.encode(connect(LOGIN).join('\r\n').concat('\n')), piece));
    assert.deepEqual(told, [['login', { ...login, entitlement: ALICE, origin: { country: 'CH', isp: 'cb007107' } }]]);
    assert.deepEqual(auth.asked, ['alice/secret']);
  }
});

test('an IPv6 client is looked up by its sixteen bytes', () => {
  const { told, say } = setUp();
  say(...connect({ username: 'alice', password: 'secret', untrusted_ip6: '2001:db8::7' }));
  assert.match(JSON.stringify(told), /"isp":"20010db8000000000000000000000007"/);
});

test('a token counts for its name alone, and only while OpenVPN finds it good', () => {
  const { told, auth, say } = setUp();
  const token = { username: 'alice', password: 'SESS_ID_AT_x' };
  say(...connect({ ...token, session_state: 'Authenticated' }, 'REAUTH,7,2'));
  say(...connect({ ...token, session_state: 'Expired' }, 'REAUTH,7,3'));
  say(...connect({ ...token, session_state: 'AuthenticatedEmptyUser' }, 'REAUTH,7,4'));
  assert.deepEqual(auth.asked, ['alice', 'alice/SESS_ID_AT_x', 'alice/SESS_ID_AT_x']);
  const answers = told as [string, { kid: number; entitlement: unknown; byToken: boolean }][];
  assert.deepEqual(
    answers.map(([, { kid, entitlement, byToken }]) => [kid, entitlement !== undefined, byToken]),
    [
      [2, true, true],
      [3, false, false],
      [4, false, false],
    ],
  );
});

test('credentials that cannot be ours are refused without a look', () => {
  const { told, auth, say } = setUp();
  say(...connect({ username: 'al\tice', password: 'secret' }));
  say(...connect({ username: 'alice', password: 'sec\x7fret' }));
  say(...connect({ username: 'a'.repeat(257), password: 'secret' }));
  say(...connect({ username: 'alice', password: 's'.repeat(257) }));
  say(...connect({ username: '', password: 'secret', session_state: 'Authenticated' }));
  say(...connect({ password: 'secret' }));
  say(...connect({ username: 'alice' }));
  assert.equal(told.length, 7);
  for (const [, login] of told as [string, { entitlement: unknown }][]) assert.equal(login.entitlement, undefined);
  assert.deepEqual(auth.asked, []);
});

test('nothing of one login is left for the next', () => {
  const { told, say, auth } = setUp();
  say(...connect({ ...LOGIN, session_state: 'Authenticated' }), ...connect({ username: 'alice' }));
  say('>CLIENT:CONNECT,8,1', '>CLIENT:ENV,username=alice', ...connect({ password: 'secret' }, 'CONNECT,9,1'));
  assert.deepEqual(auth.asked, ['alice']);
  const [, second, third] = told as [string, object][];
  const nobody = { kid: 1, byToken: false, tokenSession: -1, origin: { country: 'CH', isp: '00000000' } };
  assert.deepEqual(second?.[1], { ...nobody, cid: 7, entitlement: undefined });
  assert.deepEqual(third?.[1], { ...nobody, cid: 9, entitlement: undefined });
});

test('the course of a session', () => {
  const { told, say } = setUp();
  say('SUCCESS: pid=42', '>CLIENT:ADDRESS,7,10.64.0.2,1', '>CLIENT:ADDRESS,7,fd6c:6574:6865:1::1000,1');
  say('>CLIENT:ESTABLISHED,7', '>CLIENT:ENV,username=alice', '>CLIENT:ENV,END', '>BYTECOUNT_CLI:7,1000,234');
  say(...connect({ bytes_received: '1500', bytes_sent: '500' }, 'DISCONNECT,7'), ...connect({}, 'DISCONNECT,8'));
  say(...connect({ bytes_received: 'x', bytes_sent: '500' }, 'DISCONNECT,9'));
  assert.deepEqual(told, [
    ['pid', 42],
    ['address', 7, innerKey(Uint8Array.of(10, 64, 0, 2), 0, 4)],
    ['address', 7, 2 ** 33 + 0x1000],
    ['established', 7],
    ['counted', 7, 1234],
    ['ended', 7, 2000],
    ['ended', 8, undefined],
    ['ended', 9, undefined],
  ]);
});

function row(name: string, outer: string, inner4: string, inner6: string): string {
  return ['CLIENT_LIST', name, outer, inner4, inner6, '10', '5', 'when', '1', name, '3', '0', 'AES-256-GCM'].join('\t');
}

test('the list of clients', () => {
  const { told, say } = setUp();
  say('TITLE\tOpenVPN', 'HEADER\tCLIENT_LIST\tCommon Name', row('alice', '203.0.113.7:5000', '10.64.0.2', 'fd00::1'));
  say(
    row('bob', '2001:db8::7', '10.64.0.3', ''),
    row('alice', '203.0.113.7:5000', '', ''),
    row('UNDEF', 'x', '', ''),
    'END',
  );
  const rows = told.slice(0, -1) as [string, { state: string; origin: { isp: string }; entitlement: unknown }][];
  assert.deepEqual(
    rows.map(([, { state, origin, entitlement }]) => [state, origin.isp, entitlement !== undefined]),
    [
      ['up', 'cb007107', true],
      ['up', '20010db8000000000000000000000007', false],
      ['waiting', 'cb007107', true],
      ['handshake', '00000000', false],
    ],
  );
  assert.deepEqual(told.at(-1), ['listEnd']);
});

test('lines of other kinds are passed over', () => {
  const { told, say } = setUp();
  const other = [
    '>INFO:OpenVPN',
    '>LOG:1,N,text',
    'SUCCESS: done',
    'ERROR: no',
    '',
    'ENDING',
    '>CLIENT:CR_RESPONSE,1,2,x',
  ];
  assert.ok(say(...other, '>CLIENT:ENV,END', '>CLIENT:ENV,username=alice', '>HOLD:Waiting'));
  assert.deepEqual(told, []);
});

const JUNK = [
  '>CLIENT:CONNECT,x,1',
  '>CLIENT:CONNECT,1',
  '>CLIENT:CONNECT,-1,1',
  '>CLIENT:REAUTH,1,',
  '>CLIENT:DISCONNECT,',
  '>CLIENT:DISCONNECT,12345678901234567',
  '>CLIENT:ESTABLISHED,?',
  '>CLIENT:ADDRESS,1,10.64.0.256,1',
  '>CLIENT:ADDRESS,x,10.64.0.2,1',
  '>BYTECOUNT_CLI:1,2',
  '>BYTECOUNT_CLI:x,2,3',
  '>BYTECOUNT_CLI:1,x,3',
  '>BYTECOUNT_CLI:1,2,x',
  'SUCCESS: pid=',
  'CLIENT_LIST\talice',
  row('alice', 'x', '', '').replace('\t3\t', '\tx\t'),
  row('alice', 'x', '', '').replace('\t10\t', '\tx\t'),
  row('alice', 'x', '', '').replace('\t5\t', '\tx\t'),
  'x'.repeat(16_385),
];

for (const line of JUNK) {
  test(`'${line.slice(0, 40)}' is not the protocol`, () => {
    const { told, say, reader } = setUp();
    assert.equal(say('SUCCESS: pid=1', line, 'SUCCESS: pid=2'), false);
    assert.deepEqual(told, [['pid', 1]]);
    reader.wipe();
    assert.ok(say('SUCCESS: pid=3'), 'after a new beginning');
  });
}

test('a connection that breaks in the middle of a login leaves nothing of it', () => {
  const { told, reader, say, hear, auth } = setUp();
  say('>CLIENT:CONNECT,1,1', '>CLIENT:ENV,username=alice');
  hear(encoder.encode('>CLIENT:ENV,passw'));
  reader.wipe();
  say('>CLIENT:ENV,password=secret', '>CLIENT:ENV,END');
  assert.deepEqual([told, auth.asked], [[], []]);
});

test('ten megabytes without an end are not kept', () => {
  const { hear } = setUp();
  assert.equal(hear(encoder.encode(`>CLIENT:CONNECT,1,1\n>CLIENT:ENV,password=${'x'.repeat(10_000_000)}`)), false);
});

test('random junk and damaged lines never throw', () => {
  const sample = [...connect(LOGIN), row('alice', '203.0.113.7:5000', '10.64.0.2', 'fd00::1'), 'END'].join('\r\n');
  const good = encoder.encode(`${sample}\r\n`);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 8 }), (changes) => {
      const bytes = good.slice();
      for (const [at, value] of changes) bytes[at] = value;
      assert.equal(typeof setUp().hear(bytes), 'boolean');
    }),
    { numRuns: 1000 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
      assert.equal(typeof setUp().hear(bytes), 'boolean');
    }),
  );
});
