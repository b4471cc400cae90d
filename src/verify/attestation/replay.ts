// SPDX-License-Identifier: AGPL-3.0-or-later
import { EVENT, type EventLog, type LoggedEvent } from '../../bytes/formats/eventlog.ts';
import { sameBytes, sha256 } from '../../bytes/formats/fingerprint.ts';
import { extended, PCR_LENGTH } from './evidence.ts';

/** Events whose digest is the plain hash of their data, in every firmware. Of others the data are a mere remark. */
const HASHED: ReadonlySet<number> = new Set([
  EVENT.separator,
  EVENT.efiAction,
  EVENT.variableDriverConfig,
  EVENT.variableAuthority,
]);

/** Whether each such event is what its digest was made of. */
export function eventsHold(events: readonly LoggedEvent[]): boolean {
  return events.every(({ type, digest, data }) => !HASHED.has(type) || sameBytes(sha256(data), digest));
}

/** What the PCR holds after all events of the log. */
export function replayed({ events, locality }: EventLog, pcr: number): Uint8Array {
  let value: Uint8Array = new Uint8Array(PCR_LENGTH);
  if (pcr === 0) value[PCR_LENGTH - 1] = locality;
  for (const event of events) if (event.pcr === pcr) value = extended(value, event.digest);
  return value;
}
