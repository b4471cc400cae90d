// SPDX-License-Identifier: AGPL-3.0-or-later
import type { ConfigurationFile, Finding, Judge, KnownEntries } from '../../core/configuration/judge.ts';

const SETTINGS_FILE = 'postgresql.conf';
const OVERRIDES_FILE = 'postgresql.auto.conf';
const ACCESS_FILE = 'pg_hba.conf';
const CLIENTS_FILE = 'pg_ident.conf';

/** What postgresql.conf must set, with the only value allowed, because PostgreSQL's own default logs or may. */
const DEMANDED: Readonly<Record<string, string>> = {
  listen_addresses: '',
  // `mmap` would write what processes tell each other into files of the data directory.
  dynamic_shared_memory_type: 'posix',
  logging_collector: 'off',
  log_destination: 'stderr',
  log_min_messages: 'panic',
  log_min_error_statement: 'panic',
  log_min_duration_statement: '-1',
  log_min_duration_sample: '-1',
  log_transaction_sample_rate: '0',
  log_statement: 'none',
  log_connections: '',
  log_disconnections: 'off',
  log_hostname: 'off',
  log_duration: 'off',
  log_checkpoints: 'off',
  log_lock_waits: 'off',
  log_temp_files: '-1',
  log_autovacuum_min_duration: '-1',
  log_parameter_max_length: '0',
  log_parameter_max_length_on_error: '0',
  debug_print_parse: 'off',
  debug_print_plan: 'off',
  track_activities: 'off',
  track_counts: 'off',
  track_functions: 'none',
  track_io_timing: 'off',
  track_commit_timestamp: 'off',
  autovacuum: 'off',
  shared_preload_libraries: '',
  wal_level: 'minimal',
  max_wal_senders: '0',
  archive_mode: 'off',
  wal_keep_size: '0',
  wal_recycle: 'off',
};

/** What may be set besides; each was read in chapter 19 of the manual and writes nothing down about anybody. */
const HARMLESS = new Set(
  `unix_socket_directories max_connections shared_buffers io_method fsync full_page_writes
  synchronous_commit timezone client_encoding min_wal_size max_wal_size`.split(/\s+/),
);

/** The one role, which owns the one database and has no right to change a setting. */
const ACCESS = 'local lethe lethe peer map=lethe';
/** A plain name of a system user: with quotes it could be a regular expression. */
const CLIENT = /^lethe [A-Za-z_][\w.-]* lethe$/;

/** Everything in the database's configuration that could log, record or listen, and all that no rule covers. */
function findings(file: ConfigurationFile): Finding[] | undefined {
  switch (file.name) {
    case SETTINGS_FILE:
      return settingFindings(file);
    case OVERRIDES_FILE:
      return lineFindings(file, () => 'a setting stands beside those of postgresql.conf');
    case ACCESS_FILE:
      return lineFindings(file, (text) => (text === ACCESS ? undefined : 'another way in than the socket'));
    case CLIENTS_FILE:
      return lineFindings(file, (text) => (CLIENT.test(text) ? undefined : 'a line is no user of the one role'));
    default:
      return undefined;
  }
}

/** What PostgreSQL itself keeps in its data directory. A log, another configuration file or a core dump is none of it. */
const DATA_ENTRIES: KnownEntries = {
  ...Object.fromEntries(
    `base global pg_commit_ts pg_dynshmem pg_logical pg_multixact pg_notify pg_replslot pg_serial pg_snapshots pg_stat
    pg_stat_tmp pg_subtrans pg_tblspc pg_twophase pg_wal pg_xact`
      .split(/\s+/)
      .map((name) => [name, 'directory']),
  ),
  PG_VERSION: 'file',
  'postmaster.opts': 'file',
  'postmaster.pid': 'file',
};

export const DATABASE_JUDGE: Judge = {
  files: [SETTINGS_FILE, OVERRIDES_FILE, ACCESS_FILE, CLIENTS_FILE],
  known: DATA_ENTRIES,
  findings,
};

interface Line {
  readonly text: string;
  readonly line: number;
}

function settingFindings(file: ConfigurationFile): Finding[] {
  const settings = linesOf(file.content).map(settingOf);
  const wrong = settings.flatMap(({ name, value, line }) => {
    const problem = settingProblem(name, value);
    return problem === undefined ? [] : [{ file: file.name, line, problem }];
  });
  const missing = Object.keys(DEMANDED)
    .filter((name) => !settings.some((setting) => setting.name === name))
    .map((name) => ({ file: file.name, line: 0, problem: `${name} is not set` }));
  return [...wrong, ...missing];
}

function settingProblem(name: string, value: string | undefined): string | undefined {
  if (name === '' || value === undefined) return 'a line is no setting';
  if (Object.hasOwn(DEMANDED, name)) {
    return value === DEMANDED[name] ? undefined : `${name} must be ${DEMANDED[name] || 'empty'}`;
  }
  return HARMLESS.has(name) ? undefined : 'a setting is not known to keep silent';
}

/** `name = value`, `name value` or `name 'quoted value'`; names have no case. No value for what cannot be read. */
function settingOf({ text, line }: Line): { name: string; value: string | undefined; line: number } {
  const [, name = '', quoted, bare] = /^([\w.]+)(?:\s*=\s*|\s+)(?:'([^'\\]*)'|([^\s'\\]+))$/.exec(text) ?? [];
  return { name: name.toLowerCase(), value: quoted ?? bare, line };
}

function lineFindings(file: ConfigurationFile, problemOf: (text: string) => string | undefined): Finding[] {
  return linesOf(file.content).flatMap(({ text, line }) => {
    const problem = problemOf(text);
    return problem === undefined ? [] : [{ file: file.name, line, problem }];
  });
}

/** Lines without comments, and without those that hold nothing. A hash inside a value makes the line unreadable. */
function linesOf(content: string): Line[] {
  const lines = content.split('\n').map((text, index) => ({ text: text.replace(/#.*/, '').trim(), line: index + 1 }));
  return lines.filter(({ text }) => text !== '');
}
