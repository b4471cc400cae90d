// SPDX-License-Identifier: AGPL-3.0-or-later

/**
 * The records in ascending order of their keys, all of one length of at least four bytes. The leading words are sorted as
 * numbers and whole keys are compared only where those are equal: a million records take a fraction of a second. Throws a
 * RangeError when a key occurs twice.
 */
export function ascending<T>(records: readonly T[], keyOf: (record: T) => Uint8Array): T[] {
  const slots = new BigUint64Array(records.length);
  const view = new DataView(slots.buffer);
  records.forEach((record, index) => {
    const key = keyOf(record);
    const leading = (key[0] as number) * 2 ** 24 + (key[1] as number) * 2 ** 16 + (key[2] as number) * 256;
    view.setUint32(8 * index, index, true);
    view.setUint32(8 * index + 4, leading + (key[3] as number), true);
  });
  slots.sort();
  const ordered = Array.from({ length: records.length }, (_, slot) => records[view.getUint32(8 * slot, true)] as T);
  const leadingAt = (slot: number): number => view.getUint32(8 * slot + 4, true);
  for (let start = 0, end = 0; start < ordered.length; start = end) {
    while (end < ordered.length && leadingAt(end) === leadingAt(start)) end += 1;
    if (end - start > 1) arrange(ordered, start, end, keyOf);
  }
  return ordered;
}

/** Puts a run of keys that begin alike in order. */
function arrange<T>(ordered: T[], start: number, end: number, keyOf: (record: T) => Uint8Array): void {
  const run = ordered.slice(start, end).toSorted((a, b) => {
    const order = Buffer.compare(keyOf(a), keyOf(b));
    if (order === 0) throw new RangeError('a key stands there twice');
    return order;
  });
  run.forEach((record, offset) => {
    ordered[start + offset] = record;
  });
}
