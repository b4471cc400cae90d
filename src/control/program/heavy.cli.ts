// SPDX-License-Identifier: AGPL-3.0-or-later
import type { EpochDay } from '../../core/clock/clock.ts';
import { assertDeclared } from '../../core/inventory/guard.ts';
import { connect } from '../database/connect.os.ts';
import type { ControlConfig } from './config.ts';
import { heavyUsers } from './heavy.ts';
import type { Material } from './material.os.ts';

/** Prints one JSON object a line: licence and megabytes since a day, largest first. */
export async function printHeavyUsers(
  config: Pick<ControlConfig, 'database'>,
  material: Pick<Material, 'usageKey'>,
  since: EpochDay,
  print: (line: string) => void,
): Promise<void> {
  const db = connect(config.database);
  try {
    for (const { licence, megabytes } of await heavyUsers(db, material.usageKey, since)) {
      assertDeclared('api.heavy_use', { licence, megabytes });
      print(`${JSON.stringify({ licence, megabytes })}\n`);
    }
  } finally {
    await db.destroy();
  }
}
