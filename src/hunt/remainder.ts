// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Finding } from './verdict.ts';

/** What is known to be left somewhere after a disconnect. It is counted, so that it cannot grow unseen. */
export interface Remainder {
  readonly place: string;
  readonly marker: string;
  /** Copies at one look. */
  readonly most: number;
  readonly because: string;
}

/** What is left beyond the list: at another place, of another marker, or more often. One line each. */
export function beyond(residue: readonly Finding[], known: readonly Remainder[]): string[] {
  const groups = Map.groupBy(residue, ({ phase, place, marker }) => `${phase}: ${marker} in ${place}`);
  return Array.from(groups).flatMap(([where, findings]) => {
    const count = findings.reduce((sum, finding) => sum + finding.count, 0);
    const [{ place, marker }] = findings as [Finding];
    const most = known.find((entry) => entry.place === place && entry.marker === marker)?.most ?? 0;
    const forms = findings.map(({ encoding, at }) => `${encoding} at ${at}`).join(', ');
    return count <= most ? [] : [`${where}: ${count} times, ${most} are known (${forms})`];
  });
}
