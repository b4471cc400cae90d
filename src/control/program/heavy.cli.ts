// SPDX-License-Identifier: AGPL-3.0-or-later
import type { EpochDay } from '../../core/clock/clock.ts';
import { assertDeclared } from '../../core/inventory/guard.ts';
import { connect } from '../database/connect.os.ts';
import type { ControlConfig } from './config.ts';
import { heavyUsers } from './heavy.ts';
import type { Material } from './material.os.ts';

/** One JSON object a line: licence and megabytes since a day, largest first. */
export async function listHeavyUsers(
  config: Pick<ControlConfig, 'database'>,
  material: Pick<Material, 'usageKey'>,
  since: EpochDay,
): Promise<string> {
  const db = connect(config.database);
  try {
    const users = await heavyUsers(db, material.usageKey, since);
    const lines = users.map(({ licence, megabytes }) => {
      assertDeclared('api.heavy_use', { licence, megabytes });
      return `${JSON.stringify({ licence, megabytes })}\n`;
    });
    return lines.join('');
  } finally {
    await db.destroy();
  }
}
