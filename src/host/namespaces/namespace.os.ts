// SPDX-License-Identifier: AGPL-3.0-or-later
import {
  type Child,
  CommandError,
  childrenOf,
  run,
  type SpawnOptions,
  spawnBehind,
  spawnChild,
} from '../processes/process.os.ts';

/**
 * A small machine of its own inside this one: its own network, its own process table, and a /run in memory that no one
 * else sees. It has no name in the file system. Ending its first process, or ours, makes the kernel remove everything
 * that was in it: processes, interfaces, firewall tables, files in /run.
 */
export interface Namespace {
  /** Host process id of its first process; `/proc/PID/root/run` is its /run as seen from outside. */
  readonly pid: number;
  /** Runs a program inside to its end; throws a CommandError unless it ends with 0. */
  run(argv: readonly string[], options?: SpawnOptions): Promise<string>;
  spawn(argv: readonly string[], options?: SpawnOptions): Promise<Child>;
  /** The arguments that put a program inside, for callers that start it themselves. */
  readonly enter: readonly string[];
  close(): Promise<void>;
}

const PREPARE = [
  'mount --make-rprivate /',
  'mount -t tmpfs -o mode=755,nosuid,nodev tmpfs /run',
  'ip link set lo up',
  'echo ready',
  'exec sleep infinity',
].join(' && ');

/** Needs root. */
export async function openNamespace(): Promise<Namespace> {
  let ready: () => void = () => undefined;
  const prepared = new Promise<void>((resolve) => {
    ready = resolve;
  });
  let said = '';
  const holder = spawnChild(
    [
      'unshare',
      '--net',
      '--mount',
      '--pid',
      '--ipc',
      '--uts',
      '--fork',
      '--kill-child=KILL',
      '--mount-proc',
      'sh',
      '-c',
      PREPARE,
    ],
    {
      onOutput: (text) => {
        said += text;
        if (said.includes('ready')) ready();
      },
    },
  );
  const failed = holder.exited.then((exit) => {
    throw new CommandError('unshare', exit, said);
  });
  await Promise.race([prepared, failed]);
  failed.catch(() => undefined);
  const pid = childrenOf(holder.pid)[0] as number;
  const enter = ['nsenter', `--target=${pid}`, '--net', '--mount', '--pid', '--ipc', '--uts'];
  return {
    pid,
    enter,
    spawn: (argv, options = {}) => spawnBehind(enter, argv, options),
    async run(argv, options = {}) {
      const child = await spawnBehind(enter, argv, options);
      const exit = await child.exited;
      if (exit.code !== 0) throw new CommandError(argv[0] ?? '', exit, child.output());
      return child.output();
    },
    async close() {
      if (holder.running) process.kill(pid, 'SIGKILL');
      await holder.exited;
    },
  };
}

/** One end of a virtual cable. Interface names have at most 15 characters. */
export interface CableEnd {
  /** Undefined is the machine itself. */
  readonly namespace: Namespace | undefined;
  readonly name: string;
  /** `192.0.2.1/24`, `2001:db8::1/64` */
  readonly addresses: readonly string[];
}

/** Joins two namespaces with a virtual Ethernet cable and brings both ends up. */
export async function joinByCable(left: CableEnd, right: CableEnd): Promise<void> {
  const place = (end: CableEnd) => (end.namespace === undefined ? [] : ['netns', String(end.namespace.pid)]);
  await run([
    'ip',
    'link',
    'add',
    left.name,
    ...place(left),
    'type',
    'veth',
    'peer',
    'name',
    right.name,
    ...place(right),
  ]);
  for (const end of [left, right]) {
    const inside = (argv: readonly string[]) => (end.namespace === undefined ? run(argv) : end.namespace.run(argv));
    for (const address of end.addresses) {
      const nodad = address.includes(':') ? ['nodad'] : [];
      await inside(['ip', 'addr', 'add', address, 'dev', end.name, ...nodad]);
    }
    await inside(['ip', 'link', 'set', end.name, 'up']);
  }
}
