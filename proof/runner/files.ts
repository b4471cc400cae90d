// SPDX-License-Identifier: AGPL-3.0-or-later
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** All files of tests, sorted. */
export function testFiles(): string[] {
  return globSync(['src/**/*.test.ts', 'proof/**/*.test.ts', 'cmd/**/*.test.ts', 'test/**/*.test.ts']).toSorted();
}

/** Whether a file of tests starts virtual machines. */
export function needsMachine(file: string): boolean {
  return file.endsWith('.vm.test.ts');
}

/** Whether a file of tests says in a line of its own that it needs root; one that forgets to fails without. */
export function needsRoot(file: string): boolean {
  return /^\/\/ Needs root\.$/m.test(textOf(file));
}

/**
 * What no quick test may reach: who makes namespaces, machines, images and browsers. A file is meant by the end of its
 * path; each of these must exist, so that none is moved away unseen and lets everything through.
 */
export const SLOW = [
  'namespaces/namespace.os.ts',
  'machines/machine.os.ts',
  'build/workshop.os.ts',
  'portal/test-browser.os.ts',
  'cmd/lethe.ts',
];

/** The files of tests that start no gateway and no machine: those that reach nothing of {@link SLOW}. */
export function quickFiles(files: readonly string[], slow: readonly string[] = SLOW): string[] {
  const found = new Set<string>();
  const quick = files.filter((file) => {
    if (needsMachine(file)) return false;
    const reached = [...reach(file).keys()];
    const met = slow.filter((end) => reached.some((path) => path.endsWith(end)));
    for (const end of met) found.add(end);
    return met.length === 0;
  });
  const lost = slow.filter((end) => !found.has(end));
  if (lost.length > 0) throw new Error(`no file of tests reaches ${lost.join(' or ')}: is it called otherwise now?`);
  return quick;
}

/** Every file that one names, that those name, and so on, itself included; and over how many others it is named. */
export function reach(file: string, read: (path: string) => string = textOf): Map<string, number> {
  const reached = new Map([[file, 0]]);
  for (const [path, steps] of reached) {
    for (const named of namesIn(read(path), path)) if (!reached.has(named)) reached.set(named, steps + 1);
  }
  return reached;
}

const texts = new Map<string, string>();

/** Read once. */
export function textOf(path: string): string {
  const text = texts.get(path) ?? readFileSync(path, 'utf8');
  texts.set(path, text);
  return text;
}

/**
 * Every existing .ts, .c or .h file that a text names in quotes, from its own directory or from the root: what it imports,
 * and also programs that it starts or compiles. Imports of types alone are gone when it runs.
 */
function namesIn(text: string, path: string): string[] {
  const running = text.replaceAll(/^(?:import|export) type [^;]*;/gm, '');
  return [...running.matchAll(/['"`]([^'"`\s]+\.(?:ts|c|h))['"`]/g)]
    .flatMap(([, name = '']) => [join(dirname(path), name), name])
    .filter((name) => existsSync(name));
}
