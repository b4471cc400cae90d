// SPDX-License-Identifier: AGPL-3.0-or-later

/** Where the one database and its one role live. No other role can log in, and none can from the network. */
export const DATABASE_NAME = 'lethe';
export const ROLE = 'lethe';

/** PostgreSQL settings by name; the documentation of each is in chapter 19 of the PostgreSQL manual. */
export type Settings = Readonly<Record<string, string>>;

/**
 * The whole postgresql.conf. The rules behind it: no TCP port; a commit is on the disk before it is acknowledged;
 * nothing is written about statements, connections or their times; old write-ahead log does not outlive a checkpoint.
 */
export function settings(socketDirectory: string): Settings {
  return {
    listen_addresses: '',
    unix_socket_directories: socketDirectory,
    max_connections: '40',
    shared_buffers: '32MB',
    dynamic_shared_memory_type: 'posix',
    io_method: 'sync',
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    timezone: 'UTC',
    client_encoding: 'UTF8',
    // No log file, no statement, no connection, no parameter value.
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
    // No statistics: since version 16 they carry the time at which each table was last read. The house vacuums itself.
    track_activities: 'off',
    track_counts: 'off',
    track_functions: 'none',
    track_io_timing: 'off',
    track_commit_timestamp: 'off',
    autovacuum: 'off',
    shared_preload_libraries: '',
    // The write-ahead log is for recovery only: no archive, no replica, no recycled segments with old contents.
    wal_level: 'minimal',
    max_wal_senders: '0',
    archive_mode: 'off',
    wal_keep_size: '0',
    wal_recycle: 'off',
    min_wal_size: '32MB',
    max_wal_size: '128MB',
  };
}

function quoted(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

export function renderSettings(values: Settings): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} = ${quoted(value)}\n`)
    .join('');
}

/** pg_hba.conf: the kernel tells the server who asks (peer), and only over the socket. Anything else is refused. */
export function renderAccess(): string {
  return `local ${DATABASE_NAME} ${ROLE} peer map=lethe\n`;
}

/** pg_ident.conf: the system users that may use the role. */
export function renderClients(systemUsers: readonly string[]): string {
  return systemUsers.map((user) => `lethe ${user} ${ROLE}\n`).join('');
}
