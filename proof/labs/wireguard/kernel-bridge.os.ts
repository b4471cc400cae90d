// SPDX-License-Identifier: AGPL-3.0-or-later
import { type FileHandle, open } from 'node:fs/promises';
import { type Child, run, spawnChild } from '../../../src/host/processes/process.os.ts';
import { FakeKernel } from './fake-kernel.os.ts';

/** The program of kernel.c between a test and the fake kernel. */
export class KernelBridge {
  readonly child: Child;
  readonly kernel: FakeKernel;
  readonly #requests: FileHandle;
  #said = '';
  #heard: () => void = () => undefined;

  private constructor(child: Child, kernel: FakeKernel, requests: FileHandle) {
    this.child = child;
    this.kernel = kernel;
    this.#requests = requests;
  }

  /** `place` is a path that nothing has yet; sockets and pipes are made beside it. */
  static async start(
    program: string,
    place: string,
    env: Readonly<Record<string, string>> = {},
  ): Promise<KernelBridge> {
    const kernel = new FakeKernel();
    await kernel.listen(`${place}.kernel`);
    const requests = `${place}.requests`;
    await run(['mkfifo', requests]);
    let hear: (text: string) => void = () => undefined;
    const child = spawnChild(['sh', '-c', 'exec "$0" wg0 <"$1"', program, requests], {
      env: { FAKE_KERNEL: `${place}.kernel`, ...env },
      onOutput: (text) => hear(text),
    });
    const bridge = new KernelBridge(child, kernel, await open(requests, 'w'));
    hear = (text) => bridge.#hear(text);
    return bridge;
  }

  /** Everything that it answers to one request; undefined when it ends instead. */
  async ask(request: string): Promise<string | undefined> {
    this.#said = '';
    const gone = this.child.exited.then(() => 'gone' as const);
    await this.#requests.write(request, undefined, 'latin1');
    while (!/errno=-?\d+\n\n$/.test(this.#said)) {
      const more = new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
      if ((await Promise.race([more, gone])) === 'gone') return undefined;
    }
    return this.#said;
  }

  async stop(): Promise<void> {
    await this.#requests.close();
    await this.child.stop();
    await this.kernel.close();
  }

  #hear(text: string): void {
    this.#said += text;
    this.#heard();
  }
}
