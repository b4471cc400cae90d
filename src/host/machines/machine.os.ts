// SPDX-License-Identifier: AGPL-3.0-or-later
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Namespace } from '../namespaces/namespace.os.ts';
import { type Child, type Exit, spawnChild } from '../processes/process.os.ts';
import type { Card } from './cabling.os.ts';
import { Monitor } from './monitor.os.ts';
import { Probe } from './probe.os.ts';
import { MEDIUM, type Medium, qemuCommand } from './qemu.ts';
import { SerialConsole } from './serial-console.ts';
import { type RunningTpm, startTpm } from './swtpm.os.ts';

export interface MachineOptions {
  /** The firmware's variables, Secure Boot keys among them; the machine writes to a copy. */
  readonly variables: Uint8Array;
  readonly medium?: Medium;
  /** Directory of the state of its TPM (see makeTpm); without it the machine has none. */
  readonly tpm?: string;
  /** MiB; 1024 unless given. */
  readonly memory?: number;
  /** Two unless given. Firmware takes a quarter of the work to emulate with one: it has none to wait for. */
  readonly processors?: 1 | 2;
  /** A file, best below /dev/shm, that is the guest's memory. It is the caller's to remove. */
  readonly memoryFile?: string;
  /** Raw files that are further disks. */
  readonly disks?: readonly string[];
  /** Cards as cableMachine() makes them in `vmNamespace`, which the machine then runs in. */
  readonly cards?: readonly Card[];
  readonly vmNamespace?: Namespace;
}

/** A virtual machine that is on. It goes off with us, however we end. */
export interface Machine {
  readonly console: SerialConsole;
  readonly monitor: Monitor;
  /** Of use only with an image for tests. */
  readonly probe: Probe;
  /** When the machine is off: by itself, or because it was told to. */
  readonly off: Promise<Exit>;
  /** The virtual machine as a process of this host. */
  readonly pid: number;
  /** Takes the medium out, whether the guest has locked it or not. */
  eject(): Promise<void>;
  /** Has the guest, with an image for tests, shut down in order; resolves when it is off. */
  powerOff(): Promise<Exit>;
  /** Pulls the plug if it is still on, and removes what was made for it. The TPM's state stays. */
  close(): Promise<void>;
}

/** Until it is on: QEMU opens its sockets before the guest runs. Needs root for `vmNamespace` alone. */
export async function startMachine(options: MachineOptions): Promise<Machine> {
  await using opened = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), 'lethe-machine-'));
  opened.defer(() => rmSync(directory, { recursive: true, force: true }));
  const tpm = options.tpm === undefined ? undefined : await startTpm(options.tpm, 'machine');
  if (tpm !== undefined) opened.defer(() => tpm.stop());
  const console = new SerialConsole();
  const child = await startQemu(options, directory, tpm, console);
  opened.defer(async () => void (await child.stop()));
  const monitor = await whileOn(child, console, Monitor.open(join(directory, 'monitor')));
  opened.defer(() => monitor.close());
  const probe = await Probe.open(join(directory, 'probe'));
  opened.defer(() => probe.close());
  const kept = opened.move();
  return {
    console,
    monitor,
    probe,
    off: child.exited,
    pid: child.pid,
    eject: async () => void (await monitor.execute('eject', { id: MEDIUM, force: true })),
    async powerOff() {
      const asked = probe.text('systemctl --no-block poweroff');
      asked.catch(() => undefined);
      // The end may overtake the answer.
      await Promise.any([asked, child.exited]);
      return await child.exited;
    },
    close: () => kept.disposeAsync(),
  };
}

async function startQemu(
  options: MachineOptions,
  directory: string,
  tpm: RunningTpm | undefined,
  console: SerialConsole,
): Promise<Child> {
  const sockets = {
    monitor: join(directory, 'monitor'),
    probe: join(directory, 'probe'),
    variables: join(directory, 'variables.fd'),
  };
  writeFileSync(sockets.variables, options.variables);
  const argv = qemuCommand(
    {
      memory: options.memory ?? 1024,
      processors: options.processors ?? 2,
      ...(options.memoryFile === undefined ? {} : { memoryFile: options.memoryFile }),
      ...(options.medium === undefined ? {} : { medium: options.medium }),
      ...(tpm === undefined ? {} : { tpm: tpm.control }),
      disks: options.disks ?? [],
      cards: options.cards ?? [],
    },
    sockets,
    process.env['LETHE_KVM'] === '1',
  );
  const onOutput = (text: string) => console.append(text);
  const child =
    options.vmNamespace === undefined
      ? spawnChild(argv, { onOutput })
      : await options.vmNamespace.spawn(argv, { onOutput });
  void child.exited.then(({ code, signal }) => console.end(`the machine went off (${signal ?? `code ${code}`})`));
  return child;
}

/** QEMU that does not like its arguments ends at once; what it said is on the console. */
async function whileOn<T>(child: Child, console: SerialConsole, work: Promise<T>): Promise<T> {
  const ended = child.exited.then(() => {
    throw new Error('it ended');
  });
  ended.catch(() => undefined);
  work.catch(() => undefined);
  try {
    return await Promise.race([work, ended]);
  } catch (cause) {
    await child.stop();
    throw new Error(`the machine did not go on: ${console.text.trim()}`, { cause });
  }
}
