// SPDX-License-Identifier: AGPL-3.0-or-later
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import type { Probe } from '../../src/host/machines/probe.os.ts';
import { usesOf } from './pages.ts';

export const PAGE_SIZE = 4096;

/** Up to here a page's place in the file of a machine's memory is its number in the guest; q35 puts the rest elsewhere. */
const FLAT = 2 ** 31 / PAGE_SIZE;

/**
 * What a guest uses pages of its memory for, by their numbers. Of use only with an image for tests. The question holds
 * nothing but numbers, so asking changes no answer about their content; but it takes memory, and so may overwrite
 * what was in free pages.
 */
export async function usesOfPages(probe: Probe, pages: readonly number[]): Promise<ReadonlyMap<number, string>> {
  if (pages.some((page) => page >= FLAT)) throw new RangeError('only the first 2 GiB of a guest are where they seem');
  const source = readFileSync(new URL('guest-pages.ts', import.meta.url), 'utf8');
  const program = Buffer.from(stripTypeScriptTypes(source)).toString('base64');
  const command = `echo ${program} | base64 -d | node --input-type=module - ${pages.join(' ')}`;
  return usesOf(await probe.text(command));
}
