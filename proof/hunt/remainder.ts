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

/** More of a marker at a place, at one look, than is known. */
export interface Excess {
  readonly place: string;
  readonly marker: string;
  readonly most: number;
  readonly findings: readonly Finding[];
}

/** What is left beyond the list: at another place, of another marker, or more often. */
export function beyond(residue: readonly Finding[], known: readonly Remainder[]): Excess[] {
  const groups = Map.groupBy(residue, ({ phase, place, marker }) => `${phase}: ${marker} in ${place}`);
  const counted = Array.from(groups.values(), (findings): Excess => {
    const [{ place, marker }] = findings as [Finding];
    const most = known.find((entry) => entry.place === place && entry.marker === marker)?.most ?? 0;
    return { place, marker, most, findings };
  });
  return counted.filter(({ findings, most }) => countOf(findings) > most);
}

/** What a second run, with other random values, met beyond the list at the same places. Chance does not repeat itself. */
export function again(first: readonly Excess[], second: readonly Excess[]): Excess[] {
  return first.filter(({ place, marker }) => second.some((other) => other.place === place && other.marker === marker));
}

export function describeExcess({ place, marker, most, findings }: Excess): string {
  const forms = findings.map(({ encoding, at }) => `${encoding} at ${at}`).join(', ');
  return `${findings[0]?.phase}: ${marker} in ${place}: ${countOf(findings)} times, ${most} are known (${forms})`;
}

function countOf(findings: readonly Finding[]): number {
  return findings.reduce((sum, { count }) => sum + count, 0);
}
