// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Remainder } from './remainder.ts';
import type { Finding, HuntReport, Phase, Sighting } from './verdict.ts';

/** One line of the table: how often a marker was met at a place, for each time that was looked. */
interface Row {
  readonly place: string;
  readonly marker: string;
  readonly counts: ReadonlyMap<Phase, number | 'gone'>;
}

const CLEAN = 'every marker';

/** A row for each marker that was ever met at a place, or one row that says that none was. */
function rowsOf(place: string, sightings: readonly Sighting[]): Row[] {
  const here = sightings.filter((sighting) => sighting.place === place);
  const markers = [...new Set(here.flatMap(({ hits }) => hits.map(({ marker }) => marker)))].toSorted();
  return (markers.length === 0 ? [CLEAN] : markers).map((marker) => ({
    place,
    marker,
    counts: new Map(here.map((sighting) => [sighting.phase, countOf(sighting, marker)])),
  }));
}

function countOf({ state, hits }: Sighting, marker: string): number | 'gone' {
  if (state === 'vanished') return 'gone';
  return hits.filter((hit) => hit.marker === marker).reduce((sum, { count }) => sum + count, 0);
}

function aligned(rows: readonly (readonly string[])[], isText = (column: number) => column < 2): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length))) ?? [];
  const cell = (text: string, column: number) =>
    isText(column) ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
  return rows.map((row) => `${row.map(cell).join('  ').trimEnd()}\n`).join('');
}

/** Place by marker by time, for a terminal. A dot is a time at which the place was not looked at. */
export function renderSightings(sightings: readonly Sighting[]): string {
  const phases = [...new Set(sightings.map(({ phase }) => phase))];
  const places = [...new Set(sightings.map(({ place }) => place))];
  const rows = places.flatMap((place) => rowsOf(place, sightings));
  return aligned([
    ['place', 'marker', ...phases],
    ...rows.map(({ place, marker, counts }) =>
      [place, marker].concat(phases.map((phase) => String(counts.get(phase) ?? '·'))),
    ),
  ]);
}

function listed(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${title}\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

/** What the hunt concludes, in a few lines. */
export function renderReport(report: HuntReport): string {
  const megabytes = Math.round(report.bytesSearched / 1e6);
  const summary = [
    `${report.markers} markers in ${report.encodings.length} kinds of encoding, ${megabytes} MB searched, `,
    `${report.controlsFound} of ${report.controlsPlanted} leaks made on purpose found, `,
    `${report.findings.length} findings\n`,
  ].join('');
  const findings = report.findings.map(
    ({ place, phase, marker, encoding, count, at }) =>
      `${marker} as ${encoding}, ${count} times in ${place} (${at}), ${phase}`,
  );
  return [
    summary,
    listed('Found where nothing may be:', findings),
    listed('The hunt was blind to:', report.blind),
    listed('Ended before it was searched:', report.vanished),
    listed('Leaks made on purpose that were missed:', report.controlsMissed),
  ].join('');
}

/** The entries of a list of which something was met at one look, with how much of each. */
export function renderRemainders(residue: readonly Finding[], known: readonly Remainder[]): string {
  const counted = known.map(({ place, marker, most, because }) => {
    const met = residue.filter((finding) => finding.place === place && finding.marker === marker);
    return { row: [place, marker], because, most, count: met.reduce((sum, { count }) => sum + count, 0) };
  });
  const left = counted.filter(({ count }) => count > 0);
  const rows = left.map(({ row, count, most, because }) => row.concat(String(count), String(most), because));
  return aligned([['place', 'marker', 'met', 'most', 'because'], ...rows], (column) => column < 2 || column === 4);
}
