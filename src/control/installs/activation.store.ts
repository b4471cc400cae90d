// SPDX-License-Identifier: AGPL-3.0-or-later
import { type EpochDay, isoDate } from '../../core/clock/clock.ts';
import { type Database, declared } from '../database/tables.ts';

/** An app was set up on some device of some customer; which one is not asked. */
export interface Activation {
  /** `lethe-android` */
  readonly app: string;
  /** `1.4.2` */
  readonly appVersion: string;
  /** `android-16` */
  readonly os: string;
}

export async function storeActivation(db: Database, activation: Activation, day: EpochDay): Promise<void> {
  const { app, appVersion, os } = activation;
  await db
    .insertInto('activations')
    .values(declared('activations', { app, app_version: appVersion, os, activated_on: isoDate(day) }))
    .execute();
}

export async function deleteActivations(db: Database, before: EpochDay): Promise<void> {
  await db.deleteFrom('activations').where('activated_on', '<', isoDate(before)).execute();
}
