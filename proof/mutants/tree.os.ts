// SPDX-License-Identifier: AGPL-3.0-or-later
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, spawnChild } from '../../src/host/processes/process.os.ts';

/** Seconds for one file of tests; a mutant that makes it hang has been noticed. */
const LIMIT = 180;

/** A copy of the working tree in which one file at a time is broken; the working tree itself is never written to. */
export class MutantTree implements AsyncDisposable {
  readonly directory: string;
  readonly #sound = new Map<string, Promise<boolean>>();

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** What git knows and what lies beside it uncommitted, without what it ignores. */
  static async of(root: string): Promise<MutantTree> {
    const directory = mkdtempSync(join(tmpdir(), 'lethe-mutants-'));
    const known = await run(['git', '-C', root, 'ls-files', '-z', '--cached', '--others', '--exclude-standard']);
    const present = known.split('\0').filter((file) => file !== '' && existsSync(join(root, file)));
    await run(['xargs', '-0', 'cp', '--parents', '-t', directory], { cwd: root, stdin: present.join('\0') });
    symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
    return new MutantTree(directory);
  }

  /** Puts another text in a file's place while `work` runs. */
  async with<T>(file: string, text: string, work: () => Promise<T>): Promise<T> {
    const path = join(this.directory, file);
    const sound = readFileSync(path);
    writeFileSync(path, text);
    try {
      return await work();
    } finally {
      writeFileSync(path, sound);
    }
  }

  /** Whether a file of tests passes as the tree is now. All that it started ends with it. */
  async passes(test: string): Promise<boolean> {
    const limited = ['timeout', '--signal=KILL', String(LIMIT), 'node', '--disable-warning=ExperimentalWarning'];
    const { code } = await spawnChild([...limited, test], { cwd: this.directory }).exited;
    return code === 0;
  }

  /**
   * Whether it passes where nothing is broken: one that does not cannot notice anything. Asked once; one that fails may have
   * been short of time, and is tried again.
   */
  isSound(test: string): Promise<boolean> {
    const known = this.#sound.get(test) ?? this.passes(test).then((passes) => passes || this.passes(test));
    this.#sound.set(test, known);
    return known;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
