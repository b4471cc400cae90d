// SPDX-License-Identifier: AGPL-3.0-or-later
import { FLEET_PATHS } from '../../contracts/fleet/endpoints.ts';
import { checkMessage, type FleetMessage, type FleetMessageKind } from '../../contracts/fleet/messages.ts';
import type { Journal } from '../../core/journal/journal.ts';

const PASSED = Symbol('passed the exit');

/** A body that the inventory allows. Only the exit can make one, and only such a body can be sent. */
export interface Outgoing {
  readonly [PASSED]: true;
  readonly path: string;
  readonly body: string;
}

/**
 * The gateway's one exit for data. Every record of every message is compared with its declaration; a message that
 * carries anything else is not sent, and the journal names the record's store. Undefined then.
 */
export function passExit<Kind extends FleetMessageKind>(
  kind: Kind,
  message: FleetMessage<Kind>,
  journal: Journal,
): Outgoing | undefined {
  const checked = checkMessage(kind, message);
  if ('refused' in checked) {
    journal.say({ code: 'exit_refused', store: checked.refused });
    return undefined;
  }
  return { [PASSED]: true, path: FLEET_PATHS[kind], body: JSON.stringify(checked.message) };
}
