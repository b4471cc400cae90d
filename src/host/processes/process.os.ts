// SPDX-License-Identifier: AGPL-3.0-or-later
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { endRunning, type Running, runningAs } from './running.os.ts';

/** What a child inherits. Everything else of the parent's environment stays with the parent. */
const INHERITED = ['PATH', 'LANG', 'TZ', 'NODE_V8_COVERAGE', 'NODE_OPTIONS'];

export interface SpawnOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Numeric ids to run as. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /**
   * Names of capabilities (`net_admin`): all that is left of root's rights, or all that the user has; and no program that it
   * starts can gain another. Without it, root keeps everything and a user has nothing.
   */
  readonly rights?: readonly string[];
  /** The program of `filter.os.ts`: the kernel then refuses what no program of ours has a use for. */
  readonly filter?: string;
  readonly cwd?: string;
  /** Gets each piece of standard output and standard error as it comes. Without it, both are kept for `output()`. */
  readonly onOutput?: (text: string, stream: 'stdout' | 'stderr') => void;
  /** Gets standard output as it comes, beside `output()`. */
  readonly alsoTo?: (text: string) => void;
  readonly stdin?: string | Uint8Array;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process that we started. It dies with us. */
export interface Child {
  /** The process itself, also where a launcher is between it and us. */
  readonly pid: number;
  readonly exited: Promise<Exit>;
  readonly running: boolean;
  /** The last 64 KiB of standard output and standard error, in the order they came. */
  output(): string;
  signal(name: NodeJS.Signals): void;
  /** The signal, SIGTERM without one, then SIGKILL after `grace` milliseconds. Resolves when the process is gone. */
  stop(grace?: number, signal?: NodeJS.Signals): Promise<Exit>;
}

export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exit: Exit;
  readonly output: string;

  constructor(program: string, exit: Exit, output: string) {
    super(`${program} ended with ${exit.signal ?? `code ${exit.code}`}${output === '' ? '' : `: ${output.trim()}`}`);
    this.exit = exit;
    this.output = output;
  }
}

function environment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const env: Record<string, string> = {};
  for (const name of INHERITED) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return { ...env, ...extra };
}

/**
 * The kernel kills the child when its parent dies, so that kill -9 of us leaves nothing behind. It forgets that when a
 * process changes its user: so one call does both, the user first.
 */
function launcher({ user, rights, filter }: SpawnOptions): string[] {
  const identity = user === undefined ? [] : [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'];
  const restricted = rights === undefined ? [] : restrictions(rights, user !== undefined);
  const filtered = filter === undefined ? [] : [filter];
  return ['setpriv', '--pdeathsig=KILL', ...identity, ...restricted, '--', ...filtered];
}

/** What only root may take away, other users do not have. */
function restrictions(rights: readonly string[], changesUser: boolean): string[] {
  if (process.getuid?.() !== 0) return ['--no-new-privs'];
  const kept = ['-all', ...rights.map((right) => `+${right}`)].join(',');
  const keeps = changesUser ? [`--inh-caps=${kept}`, `--ambient-caps=${kept}`] : ['--inh-caps=-all'];
  return ['--no-new-privs', ...keeps, `--bounding-set=${kept}`];
}

const KEPT = 65_536;

class SpawnedChild implements Child {
  readonly exited: Promise<Exit>;
  running = true;
  readonly #process: ChildProcess;
  #behind: Running | undefined;
  #behindEnded: Promise<void> | undefined;
  #output = '';

  constructor(process: ChildProcess, options: SpawnOptions) {
    this.#process = process;
    const keep = (stream: 'stdout' | 'stderr') => (text: string) => {
      if (options.onOutput === undefined) this.#output = (this.#output + text).slice(-KEPT);
      else options.onOutput(text, stream);
      if (stream === 'stdout') options.alsoTo?.(text);
    };
    process.stdout?.setEncoding('utf8').on('data', keep('stdout'));
    process.stderr?.setEncoding('utf8').on('data', keep('stderr'));
    this.exited = new Promise((resolve) => {
      process.once('error', () => this.#end(resolve, { code: 127, signal: null }));
      process.once('exit', () => void this.#endBehind());
      process.once('close', (code, signal) => void this.#endBehind().then(() => this.#end(resolve, { code, signal })));
    });
    process.stdin?.on('error', () => undefined).end(options.stdin);
  }

  get pid(): number {
    return this.#behind?.pid ?? this.#process.pid ?? 0;
  }

  /** From now on the child is this one, and the process that we started is its launcher. */
  launched(behind: Running): void {
    this.#behind = behind;
  }

  output(): string {
    return this.#output;
  }

  signal(name: NodeJS.Signals): void {
    if (!this.running) return;
    try {
      process.kill(this.pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  async stop(grace = 5000, signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.signal(signal);
    const timer = setTimeout(() => this.signal('SIGKILL'), grace);
    const exit = await this.exited;
    clearTimeout(timer);
    return exit;
  }

  /** A program whose launcher was killed may run on, with sockets that its successor needs. */
  async #endBehind(): Promise<void> {
    if (this.#behind === undefined) return;
    this.#behindEnded ??= endRunning(this.#behind);
    await this.#behindEnded;
  }

  #end(resolve: (exit: Exit) => void, exit: Exit): void {
    this.running = false;
    this.#process.removeAllListeners();
    resolve(exit);
  }
}

/** Starts a program. `argv[0]` is looked up in PATH; nothing passes through a shell. */
export function spawnChild(argv: readonly string[], options: SpawnOptions = {}): Child {
  return new SpawnedChild(start(argv, options), options);
}

/**
 * Starts a program behind a launcher that forks (nsenter into a process namespace) and waits until the program itself
 * runs, so that signals and /proc reach it and not the launcher.
 */
export async function spawnBehind(
  prefix: readonly string[],
  argv: readonly string[],
  options: SpawnOptions = {},
): Promise<Child> {
  const { user: _user, rights: _rights, filter: _filter, ...outer } = options;
  const child = start([...prefix, ...launcher(options), ...argv], outer);
  const spawned = new SpawnedChild(child, options);
  while (spawned.running) {
    const behind = runningAs(childrenOf(child.pid ?? 0)[0]);
    if (behind !== undefined) {
      spawned.launched(behind);
      break;
    }
    await delay(2);
  }
  return spawned;
}

function start(argv: readonly string[], options: SpawnOptions): ChildProcess {
  const [program, ...rest] = [...launcher(options), ...argv];
  return spawn(program as string, rest, {
    env: environment(options.env),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdio: ['pipe', 'pipe', 'pipe'],
    // A Ctrl-C at the terminal is ours to handle; children are stopped in order.
    detached: true,
  });
}

/**
 * Finishes what has to be done before a program that was just started can be used. When that fails the program is
 * stopped, so that it does not stand in the way of the next attempt: a second charon, for one, would take the socket of
 * the first and end.
 */
export async function orStop<T>(child: Child, prepare: () => Promise<T>): Promise<T> {
  try {
    return await prepare();
  } catch (error) {
    await child.stop(1000);
    throw error;
  }
}

/** Process ids of the direct children, empty when the process is gone. */
export function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Runs a program to its end and gives its output; throws a {@link CommandError} unless it ends with 0. */
export async function run(argv: readonly string[], options: SpawnOptions = {}): Promise<string> {
  const child = spawnChild(argv, options);
  const exit = await child.exited;
  if (exit.code !== 0) throw new CommandError(argv[0] ?? '', exit, child.output());
  return child.output();
}
