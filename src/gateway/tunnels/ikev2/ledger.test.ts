// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordingSessions } from '../../../../proof/labs/sessions/recording.ts';
import { hostOf, innerPools } from '../../../contracts/plan/pool.ts';
import { type EpochDay, ManualClock } from '../../../core/clock/clock.ts';
import type { Entitlement, LicenceId, UsageTag } from '../../../core/licences/licence.ts';
import { seededRandom } from '../../../core/random/random.ts';
import { FreeHosts } from './free-hosts.ts';
import { FALL_TIME, Ledger, RISE_TIME, type SaNumbers } from './ledger.ts';

const ENTITLEMENT: Entitlement = {
  licence: 1 as LicenceId,
  expiresOn: 30_000 as EpochDay,
  seats: 5,
  usageTag: '0123456789abcdef' as UsageTag,
};
const ORIGIN = { country: 'CH', isp: 'unknown' };

function open(pool4 = '10.0.0.0/24') {
  const clock = new ManualClock(0);
  const sessions = new RecordingSessions();
  const terminated: number[] = [];
  const pools = innerPools({ pool4, pool6: 'fd00::/64' });
  const free = new FreeHosts(pools.hosts, seededRandom('ledger'));
  const ledger = new Ledger({ sessions, pools, free, clock, terminate: (ikeSa) => terminated.push(ikeSa) });
  return { clock, sessions, terminated, pools, free, ledger, calls: sessions.calls };
}

/** Children as [number, bytes, replaced]. */
function sa(ikeSa: number, up: boolean, children: readonly (readonly [number, number, number?])[] = []): SaNumbers {
  return {
    up,
    ikeSa,
    replaced: 0,
    childCount: children.length,
    childSas: children.map(([child]) => child),
    childBytes: children.map(([, bytes]) => bytes),
    childReplaced: children.map(([, , replaced = 0]) => replaced),
  };
}

test('a session from admission to its end, whichever of its ends is told first', () => {
  for (const ikeFirst of [true, false]) {
    const { ledger, calls, free } = open();
    const before = free.count;
    const host = ledger.admit(7, ENTITLEMENT, ORIGIN);
    assert.equal(ledger.sessionOf(host as number), 's1');
    ledger.ikeUpDown(sa(7, true));
    ledger.childUpDown(sa(7, true, [[1, 0]]));
    ledger.listed(sa(7, false, [[1, 500]]));
    if (ikeFirst) ledger.ikeUpDown(sa(7, false));
    ledger.childUpDown(sa(7, false, [[1, 900]]));
    if (!ikeFirst) ledger.ikeUpDown(sa(7, false));
    assert.deepEqual(calls, ['admit', 's1 0', 's1 established', 's1 500', 's1 900', 's1 ended 900']);
    assert.equal(ledger.size, 0);
    assert.equal(free.count, before);
    assert.equal(ledger.sessionOf(host as number), undefined);
  }
});

test('bytes of replaced CHILD_SAs count, and the session outlives the rekeying of its IKE_SA', () => {
  const { ledger, calls, sessions, terminated } = open();
  ledger.admit(1, ENTITLEMENT, ORIGIN);
  ledger.ikeUpDown(sa(1, true));
  ledger.childUpDown(sa(1, true, [[1, 0]]));
  ledger.childRekeyed(
    sa(1, false, [
      [1, 100, 1],
      [2, 0],
    ]),
  );
  ledger.listed(
    sa(1, false, [
      [1, 105],
      [2, 50],
    ]),
  );
  ledger.listed(sa(1, false, [[2, 60]]));
  ledger.ikeRekeyed({ ...sa(9, false), replaced: 1 });
  ledger.ikeRekeyed({ ...sa(10, false), replaced: 3 });
  assert.ok(ledger.knows(9) && !ledger.knows(1) && !ledger.knows(10));
  sessions.ends[0]?.('seats');
  assert.deepEqual(terminated, [9]);
  ledger.ikeUpDown(sa(9, false));
  ledger.childUpDown(sa(9, false, [[2, 70]]));
  assert.deepEqual(calls.slice(-1), ['s1 ended 175']);
});

test('what does not rise in time gives its seat back; what falls without a last count ends with the one before', () => {
  const { ledger, calls, clock } = open();
  ledger.admit(1, ENTITLEMENT, ORIGIN);
  ledger.admit(2, ENTITLEMENT, ORIGIN);
  ledger.ikeUpDown(sa(2, true));
  ledger.childUpDown(sa(2, true, [[1, 40]]));
  clock.advance(RISE_TIME - 1);
  ledger.expire();
  assert.equal(ledger.size, 2);
  clock.advance(1);
  ledger.expire();
  assert.deepEqual(calls.slice(-1), ['s1 ended 0']);
  ledger.ikeUpDown(sa(2, false));
  ledger.expire();
  assert.equal(ledger.size, 1);
  clock.advance(FALL_TIME);
  ledger.expire();
  assert.deepEqual(calls.slice(-1), ['s2 ended 40']);
});

test('refusals cost no address', () => {
  const { ledger, sessions, free } = open();
  const before = free.count;
  for (const [answer, told] of [
    ['seats', 'seats'],
    ['expired', 'expired'],
    ['unknown', 'expired'],
  ] as const) {
    sessions.refusal = answer;
    assert.equal(ledger.admit(1, ENTITLEMENT, ORIGIN), told);
    assert.equal(ledger.adopt(1, ENTITLEMENT, ORIGIN, 9), 'refused');
  }
  assert.equal(free.count, before);
  assert.equal(ledger.size, 0);
});

test('a pool that is empty is full; a second login in one IKE_SA takes the place of the first', () => {
  const { ledger, calls } = open('10.0.0.0/30');
  assert.equal(ledger.admit(1, ENTITLEMENT, ORIGIN), 2);
  assert.equal(ledger.admit(2, ENTITLEMENT, ORIGIN), 'full');
  assert.equal(ledger.admit(1, ENTITLEMENT, ORIGIN), 2);
  assert.deepEqual(calls, ['admit', 's1 ended 0', 'admit']);
});

test('what charon carries already is adopted with its address', () => {
  const { ledger, calls, pools } = open();
  assert.equal(ledger.adopt(4, ENTITLEMENT, ORIGIN, 77), 'adopted');
  assert.equal(ledger.sessionOf(77), 's1');
  ledger.listed(sa(4, false));
  ledger.listed(sa(4, false, [[1, 10]]));
  assert.deepEqual(calls, ['admit', 's1 10', 's1 established']);
  assert.equal(ledger.adopt(5, ENTITLEMENT, ORIGIN, 77), 'busy');
  assert.equal(ledger.adopt(5, undefined, ORIGIN, 78), 'refused');
  assert.equal(ledger.adopt(5, ENTITLEMENT, ORIGIN, undefined), 'refused');
  const four = new Uint8Array(4);
  ledger.addresses(77, four, new Uint8Array(16));
  assert.equal(hostOf(pools, four, 0, 4), 77);
});

test('when charon is lost, every session ends with what it had', () => {
  const { ledger, calls } = open();
  ledger.admit(1, ENTITLEMENT, ORIGIN);
  ledger.admit(2, ENTITLEMENT, ORIGIN);
  ledger.childUpDown(sa(2, true, [[1, 40]]));
  ledger.lost();
  assert.deepEqual(calls.slice(-2), ['s1 ended 0', 's2 ended 40']);
  assert.equal(ledger.size, 0);
});

test('events about strangers change nothing', () => {
  const { ledger, calls } = open();
  ledger.ikeUpDown(sa(1, true));
  ledger.childUpDown(sa(1, true, [[1, 1]]));
  ledger.childRekeyed(
    sa(1, false, [
      [1, 1, 1],
      [2, 1],
    ]),
  );
  ledger.listed(sa(1, false, [[1, 1]]));
  assert.deepEqual(calls, []);
});
