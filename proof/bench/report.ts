// SPDX-License-Identifier: AGPL-3.0-or-later
import { table } from '../../src/host/terminal/terminal.ts';
import type { Row } from './bench.ts';

const HEADINGS = ['', 'value', 'spread', 'against', 'its value', 'ratio', 'limit', 'of limit', 'goal', 'met'];

/** The rows as a table for people. */
export function reportOf(rows: readonly Row[]): string {
  return table([HEADINGS, ...rows.map(cellsOf)]);
}

function cellsOf(row: Row): string[] {
  return [
    row.name,
    `${numberOf(row.value)} ${row.unit}`,
    `±${(row.spread * 50).toFixed(0)} %`,
    row.peer ?? '-',
    row.peerValue === null ? '-' : `${numberOf(row.peerValue)} ${row.unit}`,
    multipleOf(row.ratio),
    row.limit ?? '-',
    multipleOf(row.limitRatio),
    row.goal ?? '-',
    row.met === null ? '-' : row.met ? 'yes' : 'NO',
  ];
}

function multipleOf(ratio: number | null): string {
  return ratio === null ? '-' : `${ratio >= 100 ? numberOf(ratio) : ratio.toFixed(2)}x`;
}

/** Three significant digits, thousands grouped: 1 480 000 · 70.3 · 0.0123 */
export function numberOf(value: number): string {
  const rounded = Number(value.toPrecision(3));
  if (Math.abs(rounded) < 1000) return String(rounded);
  return rounded.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ' ');
}
