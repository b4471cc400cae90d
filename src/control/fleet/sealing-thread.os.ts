// SPDX-License-Identifier: AGPL-3.0-or-later
// The thread of SealingThread: it says that it is loaded, is given its parts, then days, and answers each with an auth file.
import { parentPort } from 'node:worker_threads';
import { sealAuthFile } from '../../contracts/authfile/seal.ts';
import type { EpochDay } from '../../core/clock/clock.ts';
import { connect } from '../database/connect.os.ts';
import type { Database } from '../database/tables.ts';
import { nextRecords } from './authfile.store.ts';
import type { SealingAnswer, SealingParts } from './sealing.os.ts';

async function answer(
  db: Database,
  { salt, usageKey, signingKey }: SealingParts,
  day: EpochDay,
): Promise<SealingAnswer> {
  try {
    const { licences, seats, ...records } = await nextRecords(db, usageKey, day);
    return { version: records.version, bytes: sealAuthFile({ ...records, salt }, signingKey), licences, seats };
  } catch {
    return 'failed';
  }
}

parentPort?.once('message', (parts: SealingParts) => {
  const db = connect(parts.place);
  parentPort?.on('message', (day: EpochDay) => {
    void answer(db, parts, day).then((made) => {
      const moved = made === 'failed' ? [] : [made.bytes.buffer, made.licences.buffer, made.seats.buffer];
      parentPort?.postMessage(made, moved as ArrayBuffer[]);
    });
  });
});
parentPort?.postMessage('loaded', []);
