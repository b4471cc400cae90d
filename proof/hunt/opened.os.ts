// SPDX-License-Identifier: AGPL-3.0-or-later
import { setTimeout as delay } from 'node:timers/promises';
import { spawnChild } from '../../src/host/processes/process.os.ts';

/** A call by which a program can leave something on a file system. */
export interface FileChange {
  readonly pid: number;
  readonly call: string;
  readonly path: string;
}

export interface FileWatch {
  /** What was seen so far. */
  readonly changes: readonly FileChange[];
  /** Lets the processes go on unwatched and gives everything that was seen. */
  stop(): Promise<readonly FileChange[]>;
}

const CALLS = [
  'open',
  'openat',
  'openat2',
  'creat',
  'truncate',
  'mkdir',
  'mkdirat',
  'mknod',
  'mknodat',
  'rename',
  'renameat',
  'renameat2',
  'link',
  'linkat',
  'symlink',
  'symlinkat',
  'unlink',
  'unlinkat',
  'setxattr',
  'memfd_create',
];
const OPENS = new Set(['open', 'openat', 'openat2']);
const WRITES = /O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND|O_TMPFILE/;
/** Devices that keep nothing. */
const DEVICES = /^\/dev\/(?:null|zero|full|random|urandom|tty|net\/tun)$/;

/** One line of strace: `[pid 42] openat(AT_FDCWD, "/run/x", O_WRONLY|O_CREAT, 0600) = 3`. */
export function parseTrace(line: string): FileChange | undefined {
  const parts = /^(?:\[pid +(\d+)\] |(\d+) +)?(\w+)\((.*)$/.exec(line);
  if (parts === null) return undefined;
  const [, bracketed, leading, call = '', rest = ''] = parts;
  if (!CALLS.includes(call) || (OPENS.has(call) && !WRITES.test(rest))) return undefined;
  const path = /"((?:[^"\\]|\\.)*)"/.exec(rest)?.[1] ?? '';
  if (DEVICES.test(path)) return undefined;
  return { pid: Number(bracketed ?? leading ?? 0), call, path };
}

/**
 * Watches running processes, their threads and the children they start, for calls that open a file for writing, make,
 * rename, link or remove one. Attempts that fail count as well. Resolves once the watching has begun; needs strace and
 * root.
 */
export async function watchFiles(pids: readonly number[]): Promise<FileWatch> {
  const changes: FileChange[] = [];
  let attached = 0;
  let rest = '';
  const attach = pids.flatMap((pid) => ['-p', String(pid)]);
  const strace = spawnChild(['strace', '-f', '-s', '300', '-e', `trace=${CALLS.join(',')}`, ...attach], {
    onOutput(text) {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (/^strace: Process \d+ attached/.test(line)) attached += 1;
        const change = parseTrace(line);
        if (change !== undefined) changes.push(change);
      }
    },
  });
  while (attached < pids.length) {
    if (!strace.running) throw new Error('strace could not attach to the processes');
    await delay(10);
  }
  return {
    changes,
    async stop() {
      await strace.stop();
      return changes;
    },
  };
}
