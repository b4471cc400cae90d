// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../core/random/random.ts';
import { type Conversation, Conversations, LOGIN_TIME } from './conversations.ts';

const KEY = 16;

function opened(places = 4): { conversations: Conversations; conversation: Conversation; state: Uint8Array } {
  const conversations = new Conversations(places, seededRandom('conversations'));
  const conversation = conversations.open(0) ?? assert.fail();
  conversation.stage = 'challenged';
  return { conversations, conversation, state: Uint8Array.from(conversation.key) };
}

/** A request with this identifier and an authenticator of one byte, again and again. */
function request(identifier: number, byte: number): Uint8Array {
  return Uint8Array.from([1, identifier, 0, 20, ...Array(KEY).fill(byte)]);
}

test('a conversation is found by the whole of its State, and by nothing shorter, longer or one bit off', () => {
  const { conversations, conversation, state } = opened();
  const bytes = Uint8Array.from([0, ...state, 0]);
  assert.equal(conversations.find(bytes, 1, 1 + KEY), conversation);
  for (const end of [0, 1, 2, KEY, KEY + 2]) assert.equal(conversations.find(bytes, 1, end), undefined, `${end}`);
  for (let bit = 0; bit < 8 * KEY; bit += 1) {
    const other = Uint8Array.from(state);
    other[bit >> 3] = (other[bit >> 3] as number) ^ (1 << (bit & 7));
    assert.equal(conversations.find(other, 0, KEY), undefined, `bit ${bit}`);
  }
});

test('a place that is free is found by no State, not even by the zeros that it holds', () => {
  const { conversations } = opened();
  const zeros = new Uint8Array(KEY);
  zeros[1] = 2;
  assert.equal(conversations.find(zeros, 0, KEY), undefined);
  conversations.expire(LOGIN_TIME);
  assert.equal(conversations.find(new Uint8Array(KEY), 0, KEY), undefined);
});

test('a login has thirty seconds, and then leaves its place', () => {
  const { conversations, state } = opened(1);
  assert.equal(conversations.open(0), undefined, 'the only place is taken');
  conversations.expire(LOGIN_TIME - 1);
  assert.ok(conversations.find(state, 0, KEY));
  conversations.expire(LOGIN_TIME);
  assert.equal(conversations.taken, 0);
  assert.equal(conversations.find(state, 0, KEY), undefined);
});

test('only the very same request is answered again', () => {
  const { conversations, conversation } = opened();
  assert.equal(conversation.repeats(request(7, 1)), false, 'before there was an answer');
  conversation.remember(request(7, 1), Uint8Array.of(1, 2, 3), 3);
  assert.ok(conversation.repeats(request(7, 1)));
  assert.equal(conversations.begunBy(request(7, 1)), conversation);
  for (const other of [request(8, 1), request(7, 2)]) assert.equal(conversation.repeats(other), false);
  const last = request(7, 1);
  last[19] = 2;
  assert.equal(conversation.repeats(last), false, 'the last byte of the authenticator');
});

test('when a login is decided, what could prove it is wiped, and when it is over, everything', () => {
  const { conversation } = opened();
  for (const secret of [conversation.challenge, conversation.ntHash, conversation.master]) secret.fill(9);
  conversation.remember(request(1, 1), Uint8Array.of(5), 1);
  conversation.settle();
  for (const secret of [conversation.challenge, conversation.ntHash, conversation.master])
    assert.equal(secret.toHex(), '00'.repeat(16));
  assert.equal(conversation.entitlement, undefined);
  assert.ok(conversation.repeats(request(1, 1)), 'the answer may be asked for again');
  conversation.wipe();
  for (const kept of [conversation.key, conversation.asked, conversation.reply])
    assert.ok(kept.every((byte) => byte === 0));
});
