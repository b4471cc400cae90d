// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EpochDay, ManualClock, today } from '../../core/clock/clock.ts';
import { RecordingJournal } from '../../core/journal/journal.ts';
import type { Entitlement, LicenceId, UsageTag } from '../../core/licences/licence.ts';
import { seededRandom } from '../../core/random/random.ts';
import type { UsageRecord } from '../../core/sessions/session.ts';
import { type EndReason, isRefusal, type Origin, type SessionId } from '../../core/sessions/session.ts';
import { ESTABLISH_TIMEOUT, LiveSessions, SILENCE } from './live.ts';

const NOON = Date.UTC(2026, 10, 21, 12);
const ORIGIN: Origin = { country: 'CH', isp: 'Example Net' };

function setting() {
  const clock = new ManualClock(NOON);
  const journal = new RecordingJournal();
  const used: UsageRecord[] = [];
  const sessions = new LiveSessions({
    clock,
    random: seededRandom('sessions'),
    journal,
    used: (record) => void used.push(record),
  });
  const ended: string[] = [];
  const day = today(clock);
  /** A customer's session, admitted; `name` is how `ended` calls it. */
  const admit = (name: string, given: Partial<Entitlement> = {}) =>
    sessions.admit({
      protocol: 'openvpn-udp',
      entitlement: entitlement(day, given),
      origin: ORIGIN,
      end: (reason: EndReason) => void ended.push(`${name} ${reason}`),
    });
  const up = (name: string, given: Partial<Entitlement> = {}): SessionId => {
    const session = admit(name, given);
    assert.ok(!isRefusal(session));
    sessions.established(session);
    return session;
  };
  return { clock, journal, used, sessions, ended, day, admit, up };
}

function entitlement(day: EpochDay, given: Partial<Entitlement> = {}): Entitlement {
  return { licence: 7 as LicenceId, expiresOn: day, seats: 2, usageTag: '00112233aabbccdd' as UsageTag, ...given };
}

test('admits who is known, not expired, and has a seat left; the newest is refused', () => {
  const { sessions, day, admit } = setting();
  assert.equal(sessions.admit({ protocol: 'wireguard', entitlement: undefined, origin: ORIGIN, end() {} }), 'unknown');
  assert.equal(admit('late', { expiresOn: (day - 1) as EpochDay }), 'expired');
  const first = admit('a');
  const second = admit('b');
  assert.match(first, /^[0-9a-f]{16}$/);
  assert.notEqual(first, second);
  assert.equal(admit('c'), 'seats');
  assert.ok(!isRefusal(admit('other', { licence: 8 as LicenceId })));
  sessions.ended(first as SessionId);
  assert.ok(!isRefusal(admit('c')));
});

test('a session that is told to end and then ends gives its seat back once', () => {
  const { sessions, up, admit } = setting();
  const [first, second] = [up('a'), up('b')];
  sessions.endThese([first], 'seats');
  sessions.ended(first);
  assert.ok(!isRefusal(admit('c')));
  assert.equal(admit('d'), 'seats');
  sessions.ended(second);
  assert.ok(!isRefusal(admit('d')));
  assert.equal(admit('e'), 'seats');
});

test('the last day of a licence is valid to its end', () => {
  const { clock, admit } = setting();
  clock.advance(12 * 3_600_000 - 1);
  assert.ok(!isRefusal(admit('a')));
  clock.advance(1);
  assert.equal(admit('b'), 'expired');
});

test('a session that carried packets leaves one usage record, and nothing else', () => {
  const { sessions, used, up, admit } = setting();
  const session = up('a');
  sessions.progress(session, 5000);
  sessions.progress(session, 4000);
  sessions.ended(session, 4999);
  sessions.ended(session, 9999);
  assert.deepEqual(used, [{ usageTag: '00112233aabbccdd', origin: ORIGIN, protocol: 'openvpn-udp', totalBytes: 5000 }]);
  const other = up('b');
  sessions.ended(other, 12);
  assert.equal(used[1]?.totalBytes, 12);
  sessions.ended(admit('never up') as SessionId, 77);
  assert.equal(used.length, 2);
  assert.equal(sessions.size, 0);
});

test('calls about a session that is gone do nothing', () => {
  const { sessions, used } = setting();
  const nobody = 'ffffffffffffffff' as SessionId;
  sessions.established(nobody);
  sessions.progress(nobody, 1);
  sessions.ended(nobody, 1);
  sessions.endThese([nobody], 'seats');
  assert.equal(sessions.heartbeat(nobody), false);
  assert.deepEqual([sessions.size, used], [0, []]);
});

test('beats list who holds a seat, oldest first', () => {
  const { sessions, up, admit } = setting();
  const [a, b] = [up('a'), admit('b') as SessionId];
  const c = up('c', { licence: 9 as LicenceId });
  assert.deepEqual(sessions.list(), [
    { session: a, licence: 7 },
    { session: b, licence: 7 },
    { session: c, licence: 9 },
  ]);
  sessions.endThese([b], 'seats');
  assert.deepEqual(
    sessions.list().map((beat) => beat.session),
    [a, c],
  );
});

test('an ended session is told once, gives its seat back at once, and still leaves its record', () => {
  const { sessions, used, ended, up, admit } = setting();
  const a = up('a', { seats: 1 });
  assert.equal(admit('b', { seats: 1 }), 'seats');
  sessions.endThese([a, a], 'seats');
  sessions.endThese([a], 'revoked');
  assert.deepEqual(ended, ['a seats']);
  const b = up('b', { seats: 1 });
  sessions.established(a);
  sessions.ended(a, 10);
  assert.equal(used.length, 1);
  assert.equal(admit('c', { seats: 1 }), 'seats', "the old session's end must not free the new one's seat");
  sessions.ended(b);
  assert.ok(!isRefusal(admit('c', { seats: 1 })));
});

test('an end that the tunnel carries out at once is no trouble', () => {
  const { sessions, used, day } = setting();
  const open = (): SessionId => {
    const session: SessionId = sessions.admit({
      protocol: 'ikev2',
      entitlement: entitlement(day, { seats: 9 }),
      origin: ORIGIN,
      end: () => sessions.ended(session, 1),
    }) as SessionId;
    sessions.established(session);
    return session;
  };
  const all = [open(), open(), open()];
  sessions.endThese(all, 'shutdown');
  assert.deepEqual([sessions.size, used.length], [0, 3]);
});

test('an app that beat once must beat again within five minutes; stock clients never beat', () => {
  const { clock, sessions, ended, up } = setting();
  const app = up('app');
  up('stock');
  assert.equal(sessions.heartbeat(app), true);
  clock.advance(SILENCE - 1);
  assert.equal(sessions.heartbeat(app), true);
  clock.advance(SILENCE);
  sessions.sweep();
  assert.deepEqual(ended, []);
  clock.advance(1);
  sessions.sweep();
  assert.deepEqual(ended, ['app silent']);
  assert.equal(sessions.heartbeat(app), false);
});

test('an admitted session that is never established gives its seat back', () => {
  const { clock, sessions, ended, admit, up } = setting();
  const waiting = admit('waiting') as SessionId;
  assert.equal(sessions.heartbeat(waiting), false);
  up('up');
  clock.advance(ESTABLISH_TIMEOUT + 1);
  sessions.sweep();
  assert.deepEqual(ended, ['waiting silent']);
});

test('the sweep ends what has expired', () => {
  const { clock, sessions, ended, day, up } = setting();
  up('today');
  up('tomorrow', { expiresOn: (day + 1) as EpochDay, licence: 8 as LicenceId });
  clock.advance(12 * 3_600_000);
  sessions.sweep();
  assert.deepEqual(ended, ['today expired']);
});

test('a wall clock that jumps ends nobody unless it stays there', () => {
  const { clock, journal, sessions, ended, up } = setting();
  up('a');
  for (const jump of [86_400_000, -86_400_000]) {
    clock.jump(jump);
    sessions.sweep();
  }
  assert.deepEqual(ended, []);
  clock.jump(86_400_000);
  sessions.sweep();
  clock.advance(30_000);
  sessions.sweep();
  assert.deepEqual(ended, ['a expired']);
  assert.deepEqual(journal.codes(), ['clock_jumped', 'clock_jumped', 'clock_jumped']);
});

test('a new auth file ends what it no longer holds and renews what it does', () => {
  const { clock, sessions, ended, day, up } = setting();
  const tag = (digit: string) => digit.repeat(16) as UsageTag;
  const kept = up('kept', { usageTag: tag('a') });
  up('withdrawn', { usageTag: tag('b') });
  up('another licence now', { usageTag: tag('c'), licence: 9 as LicenceId });
  assert.deepEqual(sessions.tags(), new Set([tag('a'), tag('b'), tag('c')]));
  const renewed = entitlement(day, { usageTag: tag('a'), expiresOn: (day + 30) as EpochDay });
  sessions.refresh(
    new Map([
      [tag('a'), renewed],
      [tag('c'), { ...renewed, usageTag: tag('c') }],
    ]),
  );
  assert.deepEqual(ended, ['withdrawn revoked']);
  assert.deepEqual(sessions.tags(), new Set([tag('a'), tag('c')]));
  clock.advance(86_400_000);
  sessions.sweep();
  assert.deepEqual(ended, ['withdrawn revoked', 'another licence now expired']);
  assert.deepEqual(sessions.list(), [{ session: kept, licence: 7 }]);
});

test('a gateway that is about to end admits none, ends all, and counts what no tunnel ended in time', () => {
  const { sessions, used, ended, admit, up } = setting();
  const first = up('a');
  const second = up('b');
  sessions.progress(second, 1234);
  sessions.close();
  assert.deepEqual(ended, ['a shutdown', 'b shutdown']);
  assert.equal(admit('late', { licence: 9 as LicenceId }), 'closing');
  sessions.ended(first, 77);
  sessions.settle();
  assert.equal(sessions.size, 0);
  assert.deepEqual(
    used.map(({ totalBytes }) => totalBytes),
    [77, 1234],
  );
});
