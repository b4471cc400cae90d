// SPDX-License-Identifier: AGPL-3.0-or-later
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { replaceFile } from '../files/replace.os.ts';
import type { Namespace } from './namespace.os.ts';

/** Where a path inside a namespace is seen from outside. */
export function outside(namespace: Pick<Namespace, 'pid'>, path: string): string {
  return `/proc/${namespace.pid}/root${path}`;
}

/**
 * Puts a file into a namespace's /run, which is in memory and goes with it. Everybody inside may read it unless `mode`
 * says less.
 */
export function place(namespace: Pick<Namespace, 'pid'>, path: string, content: string, mode = 0o644): void {
  const target = outside(namespace, path);
  mkdirSync(dirname(target), { recursive: true });
  replaceFile(target, content, { mode });
}
