// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IDLE_AFTER } from '../../../contracts/plan/plan.ts';
import { type EpochDay, ManualClock, today } from '../../../core/clock/clock.ts';
import type { Entitlement } from '../../../core/licences/licence.ts';
import type { EndReason, Refusal, SessionId, Sessions } from '../../../core/sessions/session.ts';
import { UNKNOWN_ORIGIN } from '../../geoip/origin.ts';
import type { PeerReport } from '../../sensitive/wireguard-peers.ts';
import { AWAY_FOR, PeerTable } from './peers.ts';

const NOON = Date.parse('2026-11-21T12:00:00Z');

/** Sessions that say yes unless told otherwise, and write down what they hear. */
class RecordingSessions implements Sessions {
  readonly heard: string[] = [];
  refusal: Refusal | undefined;
  end: (reason: EndReason) => void = () => undefined;

  admit({ end }: Parameters<Sessions['admit']>[0]): SessionId | Refusal {
    this.heard.push(`admit${this.refusal === undefined ? '' : `: ${this.refusal}`}`);
    this.end = end;
    return this.refusal ?? ('0123456789abcdef' as SessionId);
  }
  established(): void {
    this.heard.push('established');
  }
  progress(_session: SessionId, totalBytes: number): void {
    this.heard.push(`progress ${totalBytes}`);
  }
  ended(_session: SessionId, totalBytes?: number, resting = false): void {
    this.heard.push(resting ? `rests ${totalBytes}` : `ended ${totalBytes}`);
  }
}

function setUp() {
  const clock = new ManualClock(NOON);
  const sessions = new RecordingSessions();
  let hurried = 0;
  const table = new PeerTable({ sessions, clock, ending: () => (hurried += 1) });
  const owner: Entitlement = {
    licence: 1 as Entitlement['licence'],
    expiresOn: (today(clock) + 1) as EpochDay,
    seats: 1,
    usageTag: '0123456789abcdef' as Entitlement['usageTag'],
  };
  const peer = (more: Partial<PeerReport> = {}): PeerReport => ({
    host: 2,
    entitlement: owner,
    heard: false,
    seconds: 0,
    nanoseconds: 0,
    totalBytes: 0,
    origin: () => UNKNOWN_ORIGIN,
    ...more,
  });
  /** One whole survey in which the device has the given peers. */
  const survey = (...reports: readonly Partial<PeerReport>[]) => {
    table.begin();
    const verdicts = reports.map((report) => table.look(peer(report)));
    table.surveyed();
    return verdicts.join(' ');
  };
  const handshake = (secondsAgo = 0) => ({ heard: true, seconds: Math.floor(clock.wall() / 1000) - secondsAgo });
  return { clock, sessions, table, owner, peer, survey, handshake, hurried: () => hurried };
}

test('a handshake begins a session, silence ends it and the peer is forgotten', () => {
  const { clock, sessions, survey, handshake, table } = setUp();
  assert.equal(survey({}), 'keep');
  assert.equal(table.sessionOf(2), undefined);
  const first = handshake();
  assert.equal(survey({ ...first, totalBytes: 148 }), 'keep');
  assert.equal(table.sessionOf(2), '0123456789abcdef');
  clock.advance(IDLE_AFTER - 1);
  assert.equal(survey({ ...first, totalBytes: 900 }), 'keep');
  clock.advance(1);
  assert.equal(survey({ ...first, totalBytes: 1000 }), 'forget');
  assert.deepEqual(sessions.heard, [
    'admit',
    'established',
    'progress 148',
    'progress 900',
    'progress 1000',
    'rests 1000',
  ]);
  assert.equal(survey({}), 'keep');
  assert.equal(table.sessionOf(2), undefined);
});

test('each handshake gives the peer another while', () => {
  const { clock, sessions, survey, handshake } = setUp();
  survey({});
  for (let round = 0; round < 5; round += 1) {
    assert.equal(survey(handshake()), 'keep');
    clock.advance(IDLE_AFTER - 1000);
  }
  assert.deepEqual(
    sessions.heard.filter((line) => !line.startsWith('progress')),
    ['admit', 'established'],
  );
});

test('a handshake that was never finished makes no session, but its endpoint is forgotten too', () => {
  const { clock, sessions, survey } = setUp();
  survey({});
  assert.equal(survey({ heard: true, totalBytes: 148 }), 'keep');
  clock.advance(IDLE_AFTER);
  assert.equal(survey({ heard: true, totalBytes: 148 }), 'forget');
  assert.deepEqual(sessions.heard, []);
});

test('a wall clock that jumps neither ends a session nor begins one', () => {
  const { clock, sessions, survey, handshake } = setUp();
  survey({});
  const first = handshake();
  survey(first);
  for (const jump of [86_400_000 * 400, -86_400_000 * 800]) {
    clock.jump(jump);
    clock.advance(1000);
    assert.equal(survey(first), 'keep');
  }
  clock.advance(60_000);
  assert.equal(survey(handshake()), 'keep', 'a handshake by the new clock is a handshake');
  clock.advance(IDLE_AFTER);
  assert.equal(survey({ ...handshake(), seconds: first.seconds }), 'keep', 'so is one by the old clock');
  clock.advance(IDLE_AFTER);
  assert.equal(survey(first), 'forget');
  assert.equal(sessions.heard.filter((line) => line === 'admit').length, 1);
});

test('an agent that has just started resumes what is fresh and waits where the clocks disagree', () => {
  const { clock, sessions, survey, handshake } = setUp();
  const [fresh, stale, future] = [handshake(100), handshake(300), handshake(-300)];
  const all = () => survey({ host: 2, ...fresh }, { host: 3, ...stale }, { host: 4, ...future });
  assert.equal(all(), 'keep keep keep');
  assert.equal(sessions.heard.filter((line) => line === 'admit').length, 1);
  clock.advance(80_000);
  assert.equal(all(), 'forget keep keep', 'the fresh one was 100 s old when it was met');
  clock.advance(100_000);
  assert.equal(survey({ host: 2 }, { host: 3, ...stale }, { host: 4, ...handshake() }), 'keep forget keep');
  assert.equal(sessions.heard.filter((line) => line === 'admit').length, 2, 'the next handshake tells');
});

test('after a survey that was broken off, an old handshake does not pass for a new one', () => {
  const { clock, sessions, table, peer, survey, handshake } = setUp();
  survey({});
  const first = handshake();
  survey(first);
  clock.advance(IDLE_AFTER);
  table.begin();
  assert.equal(table.look(peer(first)), 'forget');
  assert.equal(survey(first), 'keep', 'the daemon did not hear that it should forget');
  assert.equal(sessions.heard.filter((line) => line === 'admit').length, 1);
});

test('who gets no seat stays away for a while', () => {
  const { clock, sessions, table, owner, survey, handshake } = setUp();
  survey({});
  sessions.refusal = 'seats';
  assert.equal(survey(handshake()), 'remove');
  assert.equal(table.wanted(2, owner), false);
  assert.equal(survey(handshake()), 'remove', 'should the daemon still have it');
  clock.advance(AWAY_FOR - 1);
  assert.equal(table.welcomeBack(), false);
  clock.advance(1);
  assert.equal(table.welcomeBack(), true);
  assert.equal(table.wanted(2, owner), true);
  sessions.refusal = undefined;
  assert.equal(survey({}), 'keep');
  assert.equal(survey(handshake()), 'keep');
  assert.deepEqual(sessions.heard, ['admit: seats', 'admit', 'established', 'progress 0']);
});

test('the service ends a session: its bytes are told, and only the silent may come back at once', () => {
  for (const reason of ['seats', 'revoked', 'shutdown', 'silent'] as const) {
    const { sessions, table, owner, survey, handshake, hurried } = setUp();
    survey({});
    const first = handshake();
    survey({ ...first, totalBytes: 500 });
    sessions.end(reason);
    assert.equal(hurried(), 1);
    assert.equal(survey({ ...first, totalBytes: 700 }), reason === 'silent' ? 'forget' : 'remove');
    assert.equal(sessions.heard.at(-1), 'ended 700');
    assert.equal(table.wanted(2, owner), reason === 'silent');
  }
});

test('bytes are summed when the daemon begins to count anew', () => {
  const { clock, sessions, survey, handshake } = setUp();
  survey({});
  survey({ ...handshake(), totalBytes: 1000 });
  clock.advance(1000);
  survey({ ...handshake(), totalBytes: 200 });
  survey({ ...handshake(), totalBytes: 300 });
  assert.deepEqual(sessions.heard.slice(2), ['progress 1000', 'progress 1200', 'progress 1300']);
});

test('a session ends when its peer is gone, is new again, or the daemon is dead', () => {
  const endings = [
    (world: ReturnType<typeof setUp>) => world.survey(),
    (world: ReturnType<typeof setUp>) => world.survey({}),
    (world: ReturnType<typeof setUp>) => world.table.lost(),
  ];
  for (const ending of endings) {
    const world = setUp();
    world.survey({});
    world.survey({ ...world.handshake(), totalBytes: 800 });
    ending(world);
    assert.equal(world.sessions.heard.at(-1), 'ended 800');
    world.table.lost();
    assert.equal(world.sessions.heard.filter((line) => line.startsWith('ended')).length, 1);
  }
});

test('a peer whose licence has run out is taken from the device once it is quiet', () => {
  const { clock, table, owner, survey, handshake } = setUp();
  survey({});
  const first = handshake();
  survey(first);
  clock.advance(86_400_000 * 2);
  assert.equal(table.wanted(2, owner), false);
  assert.equal(survey(first), 'forget');
  assert.equal(survey({}), 'remove');
});
