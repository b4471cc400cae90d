// SPDX-License-Identifier: AGPL-3.0-or-later
import type { JournalEvent } from '../inventory/journal.ts';

/** `info`: as it should be. `warning`: it may pass by itself. `error`: somebody has to look. */
export type Level = 'info' | 'warning' | 'error';

const LEVELS: Readonly<Record<JournalEvent['code'], Level>> = {
  started: 'info',
  stopped: 'info',
  failed: 'error',
  daemon_lost: 'warning',
  daemon_found: 'info',
  daemon_spoke_junk: 'warning',
  authfile_in_force: 'info',
  authfile_refused: 'error',
  config_in_force: 'info',
  config_drifted: 'error',
  config_refused: 'error',
  expected_refused: 'error',
  gateway_lost: 'error',
  gateway_found: 'info',
  gateway_drifted: 'error',
  gateway_in_force: 'info',
  gateway_authfile: 'info',
  control_lost: 'warning',
  control_found: 'info',
  outbox_filling: 'warning',
  outbox_emptied: 'info',
  outbox_overflowed: 'error',
  events_refused: 'error',
  accounts_filling: 'warning',
  accounts_full: 'error',
  accounts_freed: 'info',
  clock_jumped: 'warning',
  exit_refused: 'error',
  machine_activated: 'info',
  machine_renewed: 'info',
  machine_attested: 'info',
  machine_refused: 'error',
  refusals_repeated: 'error',
  activated: 'info',
  renewed: 'info',
  attested: 'info',
  activation_refused: 'error',
  activation_unusable: 'error',
  activator_lost: 'warning',
  certificate_expired: 'error',
};

export function levelOf({ code }: JournalEvent): Level {
  return LEVELS[code];
}
