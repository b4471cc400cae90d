// SPDX-License-Identifier: AGPL-3.0-or-later
// The thread of SealingThread: it is given a day and answers with an auth file.
import { parentPort, workerData } from 'node:worker_threads';
import { sealAuthFile } from '../../contracts/authfile/seal.ts';
import type { EpochDay } from '../../core/clock/clock.ts';
import { connect } from '../database/connect.os.ts';
import { nextRecords } from './authfile.store.ts';
import type { SealingAnswer, SealingParts } from './sealing.os.ts';

const { place, salt, usageKey, signingKey } = workerData as SealingParts;
const db = connect(place);

async function answer(day: EpochDay): Promise<SealingAnswer> {
  try {
    const { licences, seats, ...records } = await nextRecords(db, usageKey, day);
    return { version: records.version, bytes: sealAuthFile({ ...records, salt }, signingKey), licences, seats };
  } catch {
    return 'failed';
  }
}

parentPort?.on('message', (day: EpochDay) => {
  void answer(day).then((made) => {
    const moved = made === 'failed' ? [] : [made.bytes.buffer, made.licences.buffer, made.seats.buffer];
    parentPort?.postMessage(made, moved as ArrayBuffer[]);
  });
});
