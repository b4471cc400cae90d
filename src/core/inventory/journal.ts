// SPDX-License-Identifier: AGPL-3.0-or-later
import { type Datum, type Declaration, declarations } from './datum.ts';
import { KEPT } from './retention.ts';

const said = declarations({ holder: 'operator', retention: KEPT.journal });

/** Everything that a program of the service may say about its own operation. */
export const JOURNAL = {
  'journal.started': said({ program: { kind: 'word', purpose: 'which program began to serve' } }),
  'journal.stopped': said({ program: { kind: 'word', purpose: 'which program ended' } }),
  'journal.failed': said({
    program: { kind: 'word', purpose: 'which program met a failure of its own' },
    failure: { kind: 'word', purpose: 'the closed code of that failure' },
  }),
  'journal.daemon_lost': said({ daemon: { kind: 'word', purpose: 'which daemon stopped answering' } }),
  'journal.daemon_found': said({ daemon: { kind: 'word', purpose: 'which daemon answers again' } }),
  'journal.daemon_spoke_junk': said({
    daemon: { kind: 'word', purpose: 'which daemon sent bytes that are not its protocol' },
  }),
  'journal.authfile_in_force': said({
    version: { kind: 'count', purpose: 'version of the auth file that was taken into use' },
  }),
  'journal.authfile_refused': said({ reason: { kind: 'word', purpose: 'why an auth file was not taken into use' } }),
  'journal.config_in_force': {},
  'journal.config_drifted': said({
    file: { kind: 'word', purpose: 'the name of the configuration file that differs' },
  }),
  'journal.config_refused': said({
    file: {
      kind: 'word',
      purpose: 'the name of a file of the gateway that could log, or unknown where the name is not one of ours',
    },
    line: { kind: 'count', purpose: 'which line of it; 0 for the file as a whole' },
  }),
  'journal.expected_refused': said({
    reason: { kind: 'word', purpose: 'why an expected configuration was refused' },
  }),
  'journal.gateway_lost': said({ gateway: { kind: 'word', purpose: 'which gateway has said nothing of itself' } }),
  'journal.gateway_found': said({ gateway: { kind: 'word', purpose: 'which gateway says something again' } }),
  'journal.gateway_drifted': said({
    gateway: { kind: 'word', purpose: 'which gateway runs another configuration than it should' },
  }),
  'journal.gateway_in_force': said({
    gateway: { kind: 'word', purpose: 'which gateway runs the configuration that it should' },
  }),
  'journal.gateway_authfile': said({
    gateway: { kind: 'word', purpose: 'which gateway says that it has another auth file in force' },
    version: { kind: 'count', purpose: 'version of that auth file' },
  }),
  'journal.control_lost': {},
  'journal.control_found': {},
  'journal.outbox_filling': {},
  'journal.outbox_emptied': {},
  'journal.outbox_overflowed': said({
    dropped: { kind: 'count', purpose: 'usage events given up because control was away too long' },
  }),
  'journal.events_refused': said({
    gateway: { kind: 'word', purpose: 'which gateway sent usage events that an honest one does not send' },
  }),
  'journal.accounts_filling': said({
    accounts: { kind: 'count', purpose: 'how many accounts there are, when nine tenths of the room is taken' },
    most: { kind: 'count', purpose: 'how many the service takes' },
  }),
  'journal.accounts_full': said({
    accounts: { kind: 'count', purpose: 'how many accounts there are, when there is no room for another' },
    most: { kind: 'count', purpose: 'how many the service takes' },
  }),
  'journal.accounts_freed': {},
  'journal.clock_jumped': {},
  'journal.exit_refused': said({
    store: { kind: 'word', purpose: 'the message that carried something undeclared and was not sent' },
  }),
  'journal.machine_activated': said({
    gateway: { kind: 'word', purpose: 'which gateway proved itself and was given its secrets' },
    release: { kind: 'word', purpose: 'which release it runs' },
  }),
  'journal.machine_renewed': said({
    gateway: { kind: 'word', purpose: 'which gateway proved itself again, for a new certificate' },
  }),
  'journal.machine_attested': said({
    gateway: { kind: 'word', purpose: 'which gateway proved itself again, on its schedule' },
  }),
  'journal.machine_refused': said({
    gateway: { kind: 'word', purpose: 'which gateway a machine said it is, or unknown' },
    reason: { kind: 'word', purpose: 'the closed code of what it could not prove' },
  }),
  'journal.refusals_repeated': said({
    gateway: { kind: 'word', purpose: 'which gateway machines said they are, or unknown' },
    reason: { kind: 'word', purpose: 'the closed code of what they could not prove' },
    count: { kind: 'count', purpose: 'how often in a minute, beyond the first that was said by itself' },
  }),
  'journal.activated': said({
    release: { kind: 'word', purpose: 'the release as which this machine was given its secrets' },
  }),
  'journal.renewed': {},
  'journal.attested': {},
  'journal.activation_refused': said({
    reason: { kind: 'word', purpose: 'the closed code of why the activator refused' },
  }),
  'journal.activation_unusable': said({
    reason: { kind: 'word', purpose: 'what about the answer of the activator was wrong' },
  }),
  'journal.activator_lost': {},
  'journal.certificate_expired': {},
} satisfies Record<`journal.${string}`, Declaration>;

type Value<K extends Datum['kind']> = K extends 'count' ? number : string;

/** The closed union that journal.say takes, derived from the declaration above. */
export type JournalEvent = {
  [Store in keyof typeof JOURNAL]: { readonly code: Store extends `journal.${infer Code}` ? Code : never } & {
    readonly [Field in keyof (typeof JOURNAL)[Store]]: (typeof JOURNAL)[Store][Field] extends Datum
      ? Value<(typeof JOURNAL)[Store][Field]['kind']>
      : never;
  };
}[keyof typeof JOURNAL];
