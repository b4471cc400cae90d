// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderReport, renderSightings } from './table.ts';
import { type Evidence, judge, type Sighting } from './verdict.ts';

function sighting(place: string, owner: Sighting['owner'], phase: Sighting['phase'], count: number): Sighting {
  const hits = count === 0 ? [] : [{ marker: 'source', encoding: 'ascii', count, at: '[heap]' } as const];
  return { place, owner, phase, state: 'searched', bytes: 1_000_000, hits };
}

const GOOD: Evidence = {
  markers: ['source', 'user'],
  encodings: ['ascii', 'hex'],
  sightings: [
    sighting('openvpn memory', 'daemon', 'before', 0),
    sighting('agent memory', 'own', 'before', 0),
    sighting('openvpn memory', 'daemon', 'connected', 7),
    sighting('agent memory', 'own', 'connected', 0),
    sighting('openvpn memory', 'daemon', '+10 s', 2),
    sighting('agent memory', 'own', '+10 s', 0),
    sighting('database', 'store', '+10 s', 0),
  ],
  expected: [{ place: 'openvpn memory', marker: 'source' }],
  allowed: [],
  controls: [{ name: 'a row', found: true }],
};

function withSighting(added: Sighting, other: Partial<Evidence> = {}): Evidence {
  return { ...GOOD, ...other, sightings: [...GOOD.sightings, added] };
}

test('green: the daemon knew its client, nothing else did, every control was found', () => {
  const report = judge(GOOD);
  assert.deepEqual(report, {
    ok: true,
    markers: 2,
    bytesSearched: 7_000_000,
    encodings: ['ascii', 'hex'],
    findings: [],
    controlsPlanted: 1,
    controlsFound: 1,
    controlsMissed: [],
    blind: [],
    vanished: [],
    residue: [{ place: 'openvpn memory', phase: '+10 s', marker: 'source', encoding: 'ascii', count: 2, at: '[heap]' }],
  });
});

for (const [what, added] of [
  ['our own program holds a marker while connected', sighting('agent memory', 'own', 'connected', 1)],
  ['a store holds a marker', sighting('database', 'store', 'connected', 1)],
  ['a daemon knows a client that has not come yet', sighting('openvpn memory', 'daemon', 'before', 1)],
] as const) {
  test(`red: ${what}`, () => {
    const report = judge(withSighting(added));
    assert.equal(report.ok, false);
    assert.equal(report.findings.length, 1);
    assert.match(renderReport(report), /1 findings\nFound where nothing may be:\n {2}source as ascii, 1 times in/);
  });
}

test('what the inventory allows at a place is not a finding there', () => {
  const allowed = [{ place: 'control memory', marker: 'source', because: 'its page shows it' }];
  assert.equal(judge(withSighting(sighting('control memory', 'own', 'connected', 3), { allowed })).ok, true);
  assert.equal(judge(withSighting(sighting('agent memory', 'own', 'connected', 3), { allowed })).ok, false);
});

test('red: a hunt that does not see what must be there', () => {
  const report = judge({ ...GOOD, expected: [{ place: 'openvpn memory', marker: 'user' }] });
  assert.equal(report.ok, false);
  assert.match(renderReport(report), /The hunt was blind to:\n {2}openvpn memory: user\n/);
});

test('red: a process that ended before it was searched', () => {
  const gone = { ...sighting('agent memory', 'own', '+60 s', 0), state: 'vanished' } as const;
  const report = judge(withSighting(gone));
  assert.equal(report.ok, false);
  assert.match(renderReport(report), /Ended before it was searched:\n {2}agent memory, \+60 s\n/);
  assert.match(renderSightings([gone]), /agent memory {2}every marker +gone/);
});

test('red: a control that was missed, or none at all', () => {
  const report = judge({ ...GOOD, controls: [...GOOD.controls, { name: 'a file', found: false }] });
  assert.equal(report.ok, false);
  assert.match(renderReport(report), /1 of 2 leaks .*\nLeaks made on purpose that were missed:\n {2}a file\n/s);
  assert.equal(judge({ ...GOOD, controls: [] }).ok, false);
});

test('the table shows place, marker and time', () => {
  assert.equal(
    renderSightings(GOOD.sightings),
    [
      'place           marker        before  connected  +10 s',
      'openvpn memory  source             0          7      2',
      'agent memory    every marker       0          0      0',
      'database        every marker       ·          ·      0',
      '',
    ].join('\n'),
  );
  assert.equal(renderSightings([]), 'place  marker\n');
});
