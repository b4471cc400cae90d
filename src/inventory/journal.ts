// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Datum, Declaration } from './datum.ts';

const RETENTION = 'written to standard output; this program keeps no copy';

function said(kind: Datum['kind'], purpose: string): Datum {
  return { kind, purpose, holder: 'operator', retention: RETENTION, rows: ['S8', 'S14'] };
}

/** Everything that a program of the service may say about its own operation. */
export const JOURNAL = {
  'journal.started': { program: said('word', 'which program began to serve') },
  'journal.stopped': { program: said('word', 'which program ended') },
  'journal.failed': {
    program: said('word', 'which program met a failure of its own'),
    failure: said('word', 'the closed code of that failure'),
  },
  'journal.daemon_lost': { daemon: said('word', 'which daemon stopped answering') },
  'journal.daemon_found': { daemon: said('word', 'which daemon answers again') },
  'journal.daemon_spoke_junk': { daemon: said('word', 'which daemon sent bytes that are not its protocol') },
  'journal.authfile_in_force': { version: said('count', 'version of the auth file that was taken into use') },
  'journal.authfile_refused': { reason: said('word', 'why an auth file was not taken into use') },
  'journal.config_in_force': {},
  'journal.config_drifted': { file: said('word', 'the name of the configuration file that differs') },
  'journal.expected_refused': { reason: said('word', 'why an expected configuration was not believed') },
  'journal.control_lost': {},
  'journal.control_found': {},
  'journal.outbox_overflowed': { dropped: said('count', 'usage events given up because control was away too long') },
  'journal.clock_jumped': {},
  'journal.exit_refused': { store: said('word', 'the message that carried something undeclared and was not sent') },
  'journal.machine_activated': {
    gateway: said('word', 'which gateway proved itself and was given its secrets'),
    release: said('word', 'which release it runs'),
  },
  'journal.machine_renewed': { gateway: said('word', 'which gateway proved itself again, for a new certificate') },
  'journal.machine_attested': { gateway: said('word', 'which gateway proved itself again, on its schedule') },
  'journal.machine_refused': {
    gateway: said('word', 'which gateway a machine said it is, or unknown'),
    reason: said('word', 'the closed code of what it could not prove'),
  },
  'journal.activated': { release: said('word', 'the release as which this machine was given its secrets') },
  'journal.renewed': {},
  'journal.attested': {},
  'journal.activation_refused': { reason: said('word', 'the closed code of what the activator did not believe') },
  'journal.activation_unusable': { reason: said('word', 'what about the answer of the activator was wrong') },
  'journal.activator_lost': {},
  'journal.certificate_expired': {},
} as const satisfies Record<`journal.${string}`, Declaration>;

type Value<K extends Datum['kind']> = K extends 'count' ? number : string;

/** The closed union that journal.say takes, derived from the declaration above. */
export type JournalEvent = {
  [Store in keyof typeof JOURNAL]: { readonly code: Store extends `journal.${infer Code}` ? Code : never } & {
    readonly [Field in keyof (typeof JOURNAL)[Store]]: (typeof JOURNAL)[Store][Field] extends Datum
      ? Value<(typeof JOURNAL)[Store][Field]['kind']>
      : never;
  };
}[keyof typeof JOURNAL];
