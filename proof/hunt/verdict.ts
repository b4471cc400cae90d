// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Encoding } from './encoding.ts';
import type { Hit } from './place.ts';

/** When was looked: before the customer came, while connected, and so many seconds after the disconnect. */
export type Phase = 'before' | 'connected' | `+${number} s`;

/**
 * `own`: a program of ours, which must never hold a marker. `daemon`: a program that cannot work without knowing its
 * client while connected. `store`: what lasts or leaves: files, a database, output, traffic.
 */
export type Owner = 'own' | 'daemon' | 'store';

/** What one look at one place showed. */
export interface Sighting {
  readonly phase: Phase;
  readonly place: string;
  readonly owner: Owner;
  /** `vanished`: the process ended, so its silence proves nothing. */
  readonly state: 'searched' | 'vanished';
  readonly bytes: number;
  readonly hits: readonly Hit[];
}

/** A marker that the inventory lets a place hold, and why. */
export interface Allowance {
  readonly place: string;
  readonly marker: string;
  readonly because: string;
}

/** A marker that a daemon must hold while connected; a hunt that does not see it there is blind. */
export interface Expectation {
  readonly place: string;
  readonly marker: string;
}

/** A leak made on purpose in a real place, and whether the hunt saw it. */
export interface ControlResult {
  readonly name: string;
  readonly found: boolean;
}

export interface Finding {
  readonly place: string;
  readonly phase: Phase;
  readonly marker: string;
  readonly encoding: Encoding;
  readonly count: number;
  readonly at: string;
}

export interface HuntReport {
  /** Nothing found outside the allowances, nothing expected missed, nothing vanished, every control found. */
  readonly ok: boolean;
  readonly markers: number;
  readonly bytesSearched: number;
  readonly encodings: readonly Encoding[];
  readonly findings: readonly Finding[];
  readonly controlsPlanted: number;
  readonly controlsFound: number;
  /** Names of controls that were not found. */
  readonly controlsMissed: readonly string[];
  /** Expectations that were not met, as `place: marker`. */
  readonly blind: readonly string[];
  /** Processes that ended before they were searched, as `place, phase`. */
  readonly vanished: readonly string[];
  /** What daemons still hold after the disconnect: known, and not red. */
  readonly residue: readonly Finding[];
}

export interface Evidence {
  readonly markers: readonly string[];
  readonly encodings: readonly Encoding[];
  readonly sightings: readonly Sighting[];
  readonly expected: readonly Expectation[];
  readonly allowed: readonly Allowance[];
  readonly controls: readonly ControlResult[];
}

function findingsIn(sightings: readonly Sighting[]): Finding[] {
  return sightings.flatMap(({ place, phase, hits }) => hits.map((hit) => ({ place, phase, ...hit })));
}

/** A daemon may know its client from the moment the client comes. */
function mustBeClean({ owner, phase }: Sighting): boolean {
  return owner !== 'daemon' || phase === 'before';
}

export function judge(evidence: Evidence): HuntReport {
  const { sightings, controls } = evidence;
  const isAllowed = (finding: Finding) =>
    evidence.allowed.some(({ place, marker }) => place === finding.place && marker === finding.marker);
  const whileConnected = findingsIn(sightings.filter(({ phase }) => phase === 'connected'));
  const wasSeen = ({ place, marker }: Expectation) =>
    whileConnected.some((finding) => finding.place === place && finding.marker === marker);

  const findings = findingsIn(sightings.filter(mustBeClean)).filter((finding) => !isAllowed(finding));
  const blind = evidence.expected.filter((expectation) => !wasSeen(expectation));
  const vanished = sightings.filter(({ state }) => state === 'vanished');
  const missed = controls.filter(({ found }) => !found);
  const problems = findings.length + blind.length + vanished.length + missed.length;
  return {
    ok: problems === 0 && controls.length > 0,
    markers: evidence.markers.length,
    bytesSearched: sightings.reduce((sum, { bytes }) => sum + bytes, 0),
    encodings: evidence.encodings,
    findings,
    controlsPlanted: controls.length,
    controlsFound: controls.length - missed.length,
    controlsMissed: missed.map(({ name }) => name),
    blind: blind.map(({ place, marker }) => `${place}: ${marker}`),
    vanished: vanished.map(({ place, phase }) => `${place}, ${phase}`),
    residue: findingsIn(sightings.filter(({ owner, phase }) => owner === 'daemon' && phase.startsWith('+'))),
  };
}
