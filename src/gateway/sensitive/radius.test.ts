// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as reference from '../../../proof/labs/ikev2/radius-reference.ts';
import { ntHashOf } from '../../bytes/hashes/md4.ts';
import type { AuthFile, AuthSource } from '../../contracts/authfile/authfile.ts';
import { type EpochDay, ManualClock, parseIsoDate } from '../../core/clock/clock.ts';
import type { Entitlement, LicenceId, UsageTag } from '../../core/licences/licence.ts';
import { seededRandom } from '../../core/random/random.ts';
import { LOGIN_TIME } from './conversations.ts';
import { authenticatorResponse, challengeHash, challengeResponse, masterKey, startKey } from './mschapv2.ts';
import { type Gate, RadiusServer } from './radius.ts';

const TODAY = Date.parse('2026-11-21T12:00:00Z');
const NAS_PORT = 7;

function entitlement(expiresOn: string): Entitlement {
  return {
    licence: 1 as LicenceId,
    expiresOn: parseIsoDate(expiresOn) as EpochDay,
    seats: 5,
    usageTag: '0123456789abcdef' as UsageTag,
  };
}

const CUSTOMERS = [
  { username: 'alice', password: 'wonderland', entitlement: entitlement('2126-01-01') },
  { username: 'late', password: 'yesterday', entitlement: entitlement('2026-11-20') },
];

/** Looks names up as text, which only a test may. */
class PlainAuthFile implements AuthFile {
  readonly version = 1;

  login(bytes: Uint8Array, userStart: number, userEnd: number, passwordStart: number, passwordEnd: number) {
    const text = (start: number, end: number) => Buffer.from(bytes.subarray(start, end)).toString();
    return CUSTOMERS.find(
      ({ username, password }) =>
        username === text(userStart, userEnd) && password === text(passwordStart, passwordEnd),
    )?.entitlement;
  }

  name(bytes: Uint8Array, start: number, end: number) {
    const name = Buffer.from(bytes.subarray(start, end)).toString();
    const found = CUSTOMERS.find(({ username }) => username === name);
    return found && { entitlement: found.entitlement, ntHash: ntHashOf(found.password) };
  }

  peers() {
    return [];
  }

  peer() {
    return undefined;
  }
}

class RecordingGate implements Gate {
  readonly asked: (readonly [number, Entitlement, string])[] = [];
  answer: ReturnType<Gate['admit']> = 0x102;

  admit(ikeSa: number, entitlement: Entitlement, origin: { readonly country: string }) {
    this.asked.push([ikeSa, entitlement, origin.country]);
    return this.answer;
  }

  addresses(host: number, four: Uint8Array, six: Uint8Array): void {
    four.set([10, 64, 128 + (host >>> 8), host & 0xff]);
    six.fill(0xfd);
    six.set([host >>> 8, host & 0xff], 14);
  }
}

function open(options: { readonly places?: number; readonly auth?: AuthSource } = {}) {
  const clock = new ManualClock(TODAY);
  const gate = new RecordingGate();
  const seen: string[] = [];
  const server = new RadiusServer({
    auth: options.auth ?? { current: new PlainAuthFile(), onChange: () => undefined },
    gate,
    origin: {
      of(bytes, start, length) {
        seen.push(Buffer.from(bytes.subarray(start, start + length)).toString('hex'));
        return { country: 'CH', isp: 'unknown' };
      },
    },
    clock,
    random: seededRandom('radius'),
    secret: reference.SECRET,
    ...(options.places === undefined ? {} : { places: options.places }),
  });
  const ask = (packet: Buffer): reference.Reply | undefined => {
    const bytes = new Uint8Array(packet);
    const length = server.answer(bytes, bytes.length);
    assert.ok(
      bytes.every((byte) => byte === 0),
      'the request was not wiped',
    );
    return length === 0 ? undefined : reference.readReply(server.reply.bytes.subarray(0, length), packet);
  };
  return { server, clock, gate, seen, ask };
}

type Opened = ReturnType<typeof open>;

function eapRequest(
  packet: Buffer,
  state: reference.Attribute | undefined,
  identifier: number,
  fragment = 253,
): Buffer {
  const station = reference.attribute(31, '203.0.113.9[4500]');
  const attributes = [reference.number(5, NAS_PORT), station, ...reference.eapAttributes(packet, fragment)];
  return reference.request({ identifier, attributes: state === undefined ? attributes : [...attributes, state] });
}

function stateOf(reply: reference.Reply | undefined): reference.Attribute {
  return reply?.attributes.find((one) => one.type === 24) as reference.Attribute;
}

/** A client's answer to a challenge, by the functions that the RFC's vectors have proved. */
function answerTo(challenge: reference.Reply, password: string, name = 'alice') {
  const peerChallenge = Buffer.alloc(16, 3);
  const ntResponse = Buffer.alloc(24);
  const hash = new Uint8Array(8);
  const bytes = Buffer.concat([peerChallenge, Buffer.alloc(24), Buffer.from(name)]);
  const parts = { bytes, peerChallenge: 0, ntResponse: 16, nameStart: 40, nameEnd: bytes.length };
  challengeHash(parts, challenge.eap.subarray(10, 26), hash);
  challengeResponse(ntHashOf(password), hash, ntResponse);
  ntResponse.copy(bytes, 16);
  return { packet: reference.chapResponse(challenge.eap[1] as number, peerChallenge, ntResponse, name), parts, hash };
}

function login({ ask }: Opened, username: string, password: string, name = username) {
  const challenge = ask(eapRequest(reference.identity(username), undefined, 1)) as reference.Reply;
  const answer = answerTo(challenge, password, name.replace(/^.*\\/, ''));
  const packet = reference.chapResponse(
    challenge.eap[1] as number,
    answer.packet.subarray(10, 26),
    answer.packet.subarray(34, 58),
    name,
  );
  const judged = ask(eapRequest(packet, stateOf(challenge), 2)) as reference.Reply;
  return { challenge, answer, judged };
}

function text(reply: reference.Reply): string {
  return reply.eap.subarray(9).toString('latin1');
}

test('a login by EAP-MSCHAPv2 ends with addresses and keys, and without a name', () => {
  const opened = open();
  const { challenge, answer, judged } = login(opened, 'alice', 'wonderland');
  assert.ok(challenge.genuine && challenge.code === 11 && challenge.identifier === 1);
  assert.ok(judged.genuine && judged.code === 11);
  const proof = Buffer.alloc(40);
  authenticatorResponse(answer.parts, ntHashOf('wonderland'), answer.hash, proof, 0);
  assert.equal(text(judged), `S=${proof.toString('latin1')} M=Welcome.`);
  assert.deepEqual(opened.gate.asked, [[NAS_PORT, CUSTOMERS[0]?.entitlement, 'CH']]);
  assert.deepEqual(opened.seen, ['cb007109']);

  const agreement = eapRequest(reference.eap(2, judged.eap[1] as number, [26, 3]), stateOf(judged), 3);
  const accepted = opened.ask(agreement) as reference.Reply;
  assert.ok(accepted.genuine && accepted.code === 2);
  assert.deepEqual([...accepted.eap], [3, judged.eap[1], 0, 4]);
  assert.deepEqual(
    accepted.attributes.map((one) => one.type).toSorted((a, b) => a - b),
    [8, 26, 26, 79, 80, 168],
  );
  assert.equal(accepted.attributes.find((one) => one.type === 8)?.value.toString('hex'), '0a408102');
  const master = Buffer.alloc(16);
  const key = Buffer.alloc(16);
  masterKey(ntHashOf('wonderland'), answer.parts, master, 0);
  startKey(master, 0, 'send', key, 0);
  assert.deepEqual(reference.uncoveredKey(accepted, 16, agreement), key);
  startKey(master, 0, 'receive', key, 0);
  assert.deepEqual(reference.uncoveredKey(accepted, 17, agreement), key);
});

test('the same request gets the same reply, at each step, and admits once', () => {
  const opened = open();
  const first = eapRequest(reference.identity('alice'), undefined, 1);
  const challenge = opened.ask(first) as reference.Reply;
  assert.deepEqual(opened.ask(first), challenge);
  assert.equal(opened.server.pending, 1);
  const second = eapRequest(answerTo(challenge, 'wonderland').packet, stateOf(challenge), 2);
  const judged = opened.ask(second) as reference.Reply;
  assert.deepEqual(opened.ask(second), judged);
  assert.equal(opened.gate.asked.length, 1);
  const third = eapRequest(reference.eap(2, judged.eap[1] as number, [26, 3]), stateOf(judged), 3);
  const accepted = opened.ask(third);
  assert.equal(accepted?.code, 2);
  assert.deepEqual(opened.ask(third), accepted);
});

test('a domain before the name does not enter the hash', () => {
  assert.match(text(login(open(), 'alice', 'wonderland', 'WORKGROUP\\alice').judged), /^S=/);
});

test('each refusal has a message that the client shows, and then a rejection', () => {
  const cases = [
    ['alice', 'looking-glass', 0x102, /^E=691 R=0 C=0{32} V=3 M=wrong-username-or-password$/],
    ['nobody', 'wonderland', 0x102, /^E=691 /],
    ['alice', 'wonderland', 'seats', /^E=649 .* M=all-connections-of-this-licence-are-in-use$/],
    ['alice', 'wonderland', 'expired', /^E=647 .* M=licence-expired$/],
    ['alice', 'wonderland', 'full', /^E=649 .* M=gateway-full$/],
  ] as const;
  for (const [username, password, answer, message] of cases) {
    const opened = open();
    opened.gate.answer = answer;
    const { judged } = login(opened, username, password);
    assert.ok(judged.genuine && judged.code === 11);
    assert.match(text(judged), message);
    const rejected = opened.ask(eapRequest(reference.eap(2, judged.eap[1] as number, [26, 4]), stateOf(judged), 3));
    assert.equal(rejected?.code, 3);
    assert.deepEqual([...(rejected?.eap ?? [])], [4, judged.eap[1], 0, 4]);
  }
});

test('nobody gets in by agreeing to a failure, or by skipping the proof', () => {
  const opened = open();
  const { judged } = login(opened, 'alice', 'wrong');
  const agreement = reference.eap(2, judged.eap[1] as number, [26, 3]);
  assert.equal(opened.ask(eapRequest(agreement, stateOf(judged), 3))?.code, 3);
  const challenge = opened.ask(eapRequest(reference.identity('alice', 9), undefined, 4)) as reference.Reply;
  const early = reference.eap(2, challenge.eap[1] as number, [26, 3]);
  assert.equal(opened.ask(eapRequest(early, stateOf(challenge), 5))?.code, 3);
  assert.equal(opened.gate.asked.length, 0);
});

test('an answer with the identifier of another request is rejected', () => {
  const opened = open();
  const challenge = opened.ask(eapRequest(reference.identity('alice'), undefined, 1)) as reference.Reply;
  const { packet } = answerTo(challenge, 'wonderland');
  packet[1] = (packet[1] as number) + 1;
  assert.equal(opened.ask(eapRequest(packet, stateOf(challenge), 2))?.code, 3);
});

test('a State that is unknown, of another length, or of a place that is free is rejected', () => {
  const { ask } = open({ places: 4 });
  const challenge = ask(eapRequest(reference.identity('alice'), undefined, 1)) as reference.Reply;
  const { packet } = answerTo(challenge, 'wonderland');
  const right = stateOf(challenge).value;
  const guess = Buffer.from(right);
  guess[15] = (guess[15] as number) ^ 1;
  for (const value of [
    guess,
    right.subarray(0, 15),
    Buffer.alloc(16, 0xff),
    Buffer.from([0, 1, ...right.subarray(2)]),
  ]) {
    assert.equal(ask(eapRequest(packet, { type: 24, value }, 2))?.code, 3);
  }
  assert.equal(ask(eapRequest(packet, undefined, 2))?.code, 3);
});

test('a login that takes too long is forgotten', () => {
  const opened = open();
  const challenge = opened.ask(eapRequest(reference.identity('alice'), undefined, 1)) as reference.Reply;
  opened.clock.advance(LOGIN_TIME - 1);
  opened.server.expire();
  assert.equal(opened.server.pending, 1);
  opened.clock.advance(1);
  opened.server.expire();
  opened.server.expire();
  assert.equal(opened.server.pending, 0);
  assert.equal(opened.ask(eapRequest(answerTo(challenge, 'wonderland').packet, stateOf(challenge), 2))?.code, 3);
});

test('when all places are taken, newcomers get silence', () => {
  const opened = open({ places: 2 });
  for (const identifier of [1, 2]) {
    assert.ok(opened.ask(eapRequest(reference.identity('alice'), undefined, identifier)));
  }
  assert.equal(opened.ask(eapRequest(reference.identity('alice'), undefined, 3)), undefined);
  opened.clock.advance(LOGIN_TIME);
  opened.server.expire();
  assert.ok(opened.ask(eapRequest(reference.identity('alice'), undefined, 4)));
});

test('EAP in many fragments is put together; a login without a NAS-Port is refused', () => {
  const opened = open();
  const challenge = opened.ask(eapRequest(reference.identity('alice'), undefined, 1, 3)) as reference.Reply;
  const { packet } = answerTo(challenge, 'wonderland');
  const attributes = [...reference.eapAttributes(packet, 10), stateOf(challenge)];
  assert.match(text(opened.ask(reference.request({ attributes })) as reference.Reply), /^E=691/);
});

test('an address that cannot be read comes from nowhere', () => {
  for (const [station, seen] of [
    ['2001:db8::7[500]', '20010db8000000000000000000000007'],
    ['', '00000000'],
    ['not an address', '00000000'],
  ] as const) {
    const opened = open();
    const challenge = opened.ask(eapRequest(reference.identity('alice'), undefined, 1)) as reference.Reply;
    const eap = reference.eapAttributes(answerTo(challenge, 'wonderland').packet);
    const attributes = [reference.number(5, 1), reference.attribute(31, station), ...eap, stateOf(challenge)];
    opened.ask(reference.request({ attributes }));
    assert.deepEqual(opened.seen, [seen]);
  }
});

function papRequest(username: string, password: string): Buffer {
  const authenticator = Buffer.alloc(16, 5);
  const attributes = [reference.attribute(1, username), reference.coveredPassword(password, authenticator)];
  return reference.request({ attributes, authenticator });
}

test('PAP tells whether a username and a password are right, and takes no seat', () => {
  const opened = open();
  for (const [username, password, code] of [
    ['alice', 'wonderland', 2],
    ['alice', 'wonderlane', 3],
    ['late', 'yesterday', 3],
    ['nobody', '', 3],
    ['alice', 'x'.repeat(128), 3],
    ['a\u0000\n\u001b[31m', 'wonderland', 3],
  ] as const) {
    const reply = opened.ask(papRequest(username, password));
    assert.ok(reply?.genuine);
    assert.equal(reply.code, code, password);
    assert.deepEqual(
      reply.attributes.map((one) => one.type),
      [80],
    );
  }
  assert.equal(opened.gate.asked.length, 0);
});

test('a password of several blocks is uncovered', () => {
  const long = 'w'.repeat(40);
  const customer = { username: 'long', password: long, entitlement: entitlement('2126-01-01') };
  CUSTOMERS.push(customer);
  try {
    assert.equal(open().ask(papRequest('long', long))?.code, 2);
  } finally {
    CUSTOMERS.pop();
  }
});

test('accounting is answered and not looked at; a request with neither EAP nor a password is rejected', () => {
  const { ask } = open();
  const answered = ask(reference.accountingRequest([reference.attribute(1, 'alice')]));
  assert.ok(answered?.genuine && answered.code === 5 && answered.attributes.length === 0);
  assert.equal(ask(reference.accountingRequest([], Buffer.from('another secret'))), undefined);
  assert.equal(ask(reference.request({ attributes: [reference.attribute(1, 'alice')] }))?.code, 3);
});

test('without an auth file there is silence', () => {
  const { ask } = open({ auth: { current: undefined, onChange: () => undefined } });
  assert.equal(ask(papRequest('alice', 'wonderland')), undefined);
});

test('what is not signed, or signed with another secret, gets silence', () => {
  const { ask } = open();
  const attributes = reference.eapAttributes(reference.identity('alice'));
  assert.equal(ask(reference.request({ attributes, signed: false })), undefined);
  assert.equal(ask(reference.request({ attributes, secret: Buffer.from('another secret') })), undefined);
  assert.equal(ask(reference.request({ attributes, code: 12 })), undefined);
});

test('attributes of impossible lengths, and second ones, get silence', () => {
  const { ask } = open();
  const eap = reference.eapAttributes(reference.identity('alice'));
  const bad: reference.Attribute[][] = [
    [{ type: 5, value: Buffer.alloc(3) }],
    [{ type: 5, value: Buffer.alloc(0) }],
    [{ type: 2, value: Buffer.alloc(15) }],
    [{ type: 2, value: Buffer.alloc(17) }],
    [{ type: 2, value: Buffer.alloc(144) }],
    [{ type: 80, value: Buffer.alloc(16) }],
    [{ type: 80, value: Buffer.alloc(15) }],
    [reference.attribute(1, 'alice'), reference.attribute(1, 'bob')],
    [
      { type: 2, value: Buffer.alloc(16) },
      { type: 2, value: Buffer.alloc(16) },
    ],
    reference.eapAttributes(Buffer.alloc(1025)),
  ];
  for (const attributes of bad)
    assert.equal(ask(reference.request({ attributes: [...attributes, ...eap] })), undefined);
  assert.ok(ask(reference.request({ attributes: eap })));
});
