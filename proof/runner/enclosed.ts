// SPDX-License-Identifier: AGPL-3.0-or-later
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { childrenOf } from '../../src/host/processes/process.os.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs a program in a process table of its own, to its end, and gives its exit code. Nothing that it started outlives it
 * or us, however either ends, kill -9 included: the kernel kills our child when we die, with it the first process of
 * that table, and with that one every process in it, whatever has become of its parents. What daemons, network
 * namespaces and virtual machines hold goes with their processes.
 *
 * The program gets a directory for temporary files (`TMPDIR`) and, from root, a /dev/shm of its own. Both go as well.
 * Without root this needs a kernel that lets everybody make user namespaces, as Debian's does.
 */
export async function enclosed(argv: readonly string[], root = process.getuid?.() === 0): Promise<number> {
  const temporary = mkdtempSync(join(tmpdir(), 'lethe-'));
  // Daemons under test run as users of their own.
  chmodSync(temporary, 0o755);
  const sweeper = sweepAfterUs(temporary);
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...enclosure(root), ...argv], {
    // What the launchers say is kept apart: unshare complains of a child that was killed, also when that is what we want.
    stdio: ['ignore', 'inherit', 'pipe', 2],
    env: { ...process.env, TMPDIR: temporary },
    // A Ctrl-C at the terminal is ours to handle.
    detached: true,
  });
  let ended: (typeof SIGNALS)[number] | undefined;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      ended ??= signal;
      end(child);
    });
  }
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const code = await exitOf(child);
  if (ended === undefined) process.stderr.write(said);
  sweeper.stdin?.end();
  await exitOf(sweeper);
  return ended === undefined ? code : 128 + constants.signals[ended];
}

/**
 * The arguments before the program's own. A shell is the first process: it collects orphans that have ended, which Node
 * would leave as zombies, and to a test a zombie is a process that is still there.
 */
function enclosure(root: boolean): string[] {
  const user = root ? [] : ['--map-current-user'];
  // Without nodev: a root file system that is made there has a /dev/null.
  const memory = root ? 'mount -t tmpfs -o mode=1777,nosuid tmpfs /dev/shm || exit; ' : '';
  const unshare = ['unshare', ...user, '--mount', '--pid', '--fork', '--kill-child=KILL', '--mount-proc'];
  return [...unshare, 'sh', '-c', `${memory}exec 2>&3 3>&-; "$@"; exit $?`, 'sh'];
}

/** Kills the first process of the table; its parent ends when the kernel has killed all the others. */
function end(child: ChildProcess): void {
  const first = childrenOf(child.pid ?? 0)[0];
  if (first === undefined) child.kill('SIGKILL');
  else process.kill(first, 'SIGKILL');
}

/** Removes a directory when we end, or before, when its standard input is closed. */
function sweepAfterUs(directory: string): ChildProcess {
  // Processes that are being killed may still write, so the first attempt can fail.
  const script =
    'cat >/dev/null; for try in $(seq 100); do rm -rf -- "$1" && exit; sleep 0.1; done 2>/dev/null; exit 1';
  return spawn('sh', ['-c', script, 'sh', directory], { stdio: ['pipe', 'ignore', 'inherit'], detached: true });
}

function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}
