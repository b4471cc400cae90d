// SPDX-License-Identifier: AGPL-3.0-or-later
import { basename, matchesGlob } from 'node:path';

/** What each module needs, as depmod's modules.dep says; paths are relative to the release's directory. */
export type Dependencies = ReadonlyMap<string, readonly string[]>;

export class KernelError extends Error {
  override readonly name = 'KernelError';
}

/** Reads `kernel/a.ko: kernel/b.ko kernel/c.ko`. What a module needs is listed there whole, last things first. */
export function parseDependencies(text: string): Dependencies {
  const found = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [module = '', needs = ''] = line.split(':');
    if (module !== '') found.set(module, needs.split(' ').filter(Boolean));
  }
  return found;
}

/** The modules that one of the patterns names, and all that they need. Throws when a pattern names none. */
export function keptModules(dependencies: Dependencies, patterns: readonly string[]): ReadonlySet<string> {
  const kept = new Set<string>();
  for (const pattern of patterns.flatMap(alternatives)) {
    const matching = [...dependencies.keys()].filter((module) => matchesGlob(module, `kernel/${pattern}`));
    if (matching.length === 0) throw new KernelError(`no kernel module matches ${pattern}`);
    for (const module of matching) {
      kept.add(module);
      for (const needed of dependencies.get(module) ?? []) kept.add(needed);
    }
  }
  return kept;
}

/** `a/{b,c}.ko` as two patterns, so that each must match something. */
function alternatives(pattern: string): string[] {
  const braces = /^(.*?)\{([^{}]*)\}(.*)$/.exec(pattern);
  if (braces === null) return [pattern];
  const [, before = '', inside = '', after = ''] = braces;
  return inside.split(',').flatMap((word) => alternatives(`${before}${word}${after}`));
}

/** The order in which to load modules so that each finds what it needs. Dashes and underscores are the same, as for modprobe. */
export function loadOrder(dependencies: Dependencies, names: readonly string[]): string[] {
  const byName = new Map([...dependencies.keys()].map((module) => [moduleName(module), module]));
  const order = new Set<string>();
  for (const name of names) {
    const module = byName.get(moduleName(name));
    if (module === undefined) throw new KernelError(`no kernel module is called ${name}`);
    for (const needed of (dependencies.get(module) ?? []).toReversed()) order.add(needed);
    order.add(module);
  }
  return [...order];
}

export function moduleName(path: string): string {
  return basename(path, '.ko').replaceAll('-', '_');
}
