// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeFiles } from '../../core/configuration/judge.ts';
import { DATABASE_JUDGES, judgeDatabase, sentenceFor } from './judges.ts';
import { renderAccess, renderClients, renderSettings, settings } from './settings.ts';

const GOOD = {
  'postgresql.conf': renderSettings(settings('/run')),
  'postgresql.auto.conf': '',
  'pg_hba.conf': renderAccess(),
  'pg_ident.conf': renderClients(['_lethe-control', 'root']),
};
type Name = keyof typeof GOOD;

function problems(name: Name, content: string): string[] {
  return judgeFiles([{ name, content }], DATABASE_JUDGES).map(({ line, problem }) => `${line}: ${problem}`);
}

test('what is rendered for the database logs, records and opens nothing, and each file of it has a judge', () => {
  const files = Object.entries(GOOD).map(([name, content]) => ({ name, content }));
  assert.deepEqual(judgeFiles(files, DATABASE_JUDGES), []);
  assert.deepEqual(
    DATABASE_JUDGES.flatMap((judge) => judge.files),
    Object.keys(GOOD),
  );
  assert.equal(judgeFiles(files, []).length, 4);
  assert.equal(judgeFiles([...files, { name: 'recovery.conf', content: '' }], DATABASE_JUDGES).length, 1);
});

const BAD: Readonly<Record<string, string>> = {
  listen_addresses: '*',
  logging_collector: 'on',
  log_destination: 'csvlog',
  log_min_messages: 'info',
  log_min_error_statement: 'error',
  log_min_duration_statement: '0',
  log_statement: 'all',
  log_connections: 'all',
  log_disconnections: 'on',
  log_hostname: 'on',
  log_duration: 'on',
  log_checkpoints: 'on',
  log_lock_waits: 'on',
  log_temp_files: '0',
  log_parameter_max_length: '-1',
  log_parameter_max_length_on_error: '-1',
  debug_print_parse: 'on',
  track_activities: 'on',
  track_counts: 'on',
  track_commit_timestamp: 'on',
  wal_level: 'logical',
  max_wal_senders: '10',
  archive_mode: 'on',
  wal_recycle: 'on',
  dynamic_shared_memory_type: 'mmap',
  autovacuum: 'on',
  shared_preload_libraries: 'auto_explain',
  log_line_prefix: '%h %t',
  archive_command: 'cp %p /archive',
  'pg_stat_statements.track': 'all',
  'auto_explain.log_min_duration': '0',
  include_dir: 'conf.d',
};

test('every setting that could log, record or listen is found', () => {
  for (const [name, value] of Object.entries(BAD)) {
    const found = problems('postgresql.conf', renderSettings({ ...settings('/run'), [name]: value }));
    assert.equal(found.length, 1, name);
    assert.match(found[0] ?? '', new RegExp(`^\\d+: (?:${name} must be|a setting is not known)`));
  }
  assert.ok(problems('postgresql.conf', '').length > 25);
});

const LINES = [
  'log_statement=ddl # later wins',
  'log_statement ddl',
  "LOG_Statement = 'ddl'",
  "include 'more.conf'",
  "include_if_exists 'more.conf'",
  "log_statement = 'n\\one'",
  "log_statement = 'none' 'all'",
  "timezone = 'a # b'",
  'log_statement',
  'garbage garbage garbage',
  '= x',
];

test('a line that overrides, includes or cannot be read is found on its line', () => {
  const lines = GOOD['postgresql.conf'].split('\n').length;
  for (const line of LINES) {
    const found = problems('postgresql.conf', `${GOOD['postgresql.conf']}${line}\n`);
    assert.equal(found.length, 1, line);
    assert.match(found[0] ?? '', new RegExp(`^${lines}: `), line);
  }
  assert.deepEqual(problems('postgresql.conf', `# remark\n\n${GOOD['postgresql.conf']}`), []);
});

test('nothing stands in the file that overrides, and only the one role comes in, by the socket', () => {
  assert.equal(problems('postgresql.auto.conf', "# Do not edit\nlog_statement = 'none'\n").length, 1);
  assert.deepEqual(problems('postgresql.auto.conf', '# Do not edit\n'), []);
  for (const line of [
    'host lethe lethe 127.0.0.1/32 trust',
    'local all all peer',
    'local lethe postgres peer map=lethe',
    'local lethe lethe trust',
    'local replication lethe peer map=lethe',
    'include more.conf',
    '"local" lethe lethe peer map=lethe',
    'local  lethe lethe peer map=lethe',
    'local lethe lethe peer map=lethe map=other',
  ]) {
    assert.equal(problems('pg_hba.conf', `${GOOD['pg_hba.conf']}${line}\n`).length, 1, line);
  }
  for (const line of [
    'lethe nobody postgres',
    'lethe /^(.*)$ lethe',
    'lethe "/.*" lethe',
    'lethe "nobody" lethe',
    'lethe  nobody lethe',
    'lethe @/tmp/names lethe',
    'other nobody lethe',
    'include more.conf',
  ]) {
    assert.equal(problems('pg_ident.conf', `${GOOD['pg_ident.conf']}${line}\n`).length, 1, line);
  }
});

test('what lies in a data directory is known by name and kind, or judged', () => {
  const entries = Object.entries(GOOD).map(([name, content]) => ({ name, kind: 'file' as const, content }));
  assert.deepEqual(judgeDatabase([...entries, { name: 'base', kind: 'directory' }]), []);
  for (const name of ['log', 'current_logfiles', 'standby.signal', 'core', 'postgresql.conf.d']) {
    assert.equal(judgeDatabase([...entries, { name, kind: 'file' }]).length, 1, name);
  }
  assert.equal(judgeDatabase([...entries, { name: 'pg_wal', kind: 'link' }]).length, 1);
  assert.equal(judgeDatabase(entries.slice(1)).length, 1);
});

test('a sentence about a finding repeats no name that is not ours', () => {
  const problem = 'nobody knows what this is';
  for (const file of ['alice@example.net', 'base/alice', 'toString']) {
    assert.equal(sentenceFor({ file, line: 0, problem }), `something in the data directory: ${problem}.`);
  }
  assert.equal(sentenceFor({ file: 'pg_wal', line: 0, problem }), `pg_wal: ${problem}.`);
  assert.equal(sentenceFor({ file: 'pg_hba.conf', line: 2, problem }), `pg_hba.conf, line 2: ${problem}.`);
});
