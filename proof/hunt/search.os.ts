// SPDX-License-Identifier: AGPL-3.0-or-later
import { searchBytes, searchOpenFiles, searchTree } from './files.os.ts';
import { type Marker, type Pattern, patternsOf } from './marker.ts';
import { Matcher } from './matcher.ts';
import { searchMemory } from './memory.os.ts';
import { Tally } from './place.ts';
import { searchRam } from './ram.os.ts';
import type { RamSearch } from './ram.ts';
import type { Phase, Sighting } from './verdict.ts';

/**
 * What is looked at. Of a process, its memory (`NAME memory`) and every file that it has open (`NAME open files`). Bytes
 * are what was recorded: standard output, or traffic that was decoded on its way.
 */
export type Target =
  | {
      readonly kind: 'process';
      readonly name: string;
      readonly pid: number;
      readonly owner: 'own' | 'daemon';
      /** A worker that comes and goes: that it is gone is not held against it. */
      readonly transient?: boolean;
    }
  | { readonly kind: 'tree'; readonly name: string; readonly path: string }
  | { readonly kind: 'bytes'; readonly name: string; readonly bytes: Uint8Array };

/** What is searched for: markers, and every salt and key that may have gone into a digest of them. */
export interface Wanted {
  readonly markers: readonly Marker[];
  readonly salts: readonly Uint8Array[];
}

export function patternsFor({ markers, salts }: Wanted): Pattern[] {
  return markers.flatMap((marker) => patternsOf(marker, salts));
}

/** What the memory of a process may hold for another reason is searched in stores alone. */
const inMemoryToo = ({ storesOnly }: Pattern) => storesOnly !== true;

/** Looks at one target after the other. */
export function searchTargets(wanted: Wanted, phase: Phase, targets: readonly Target[]): Sighting[] {
  const patterns = patternsFor(wanted);
  const matchers = { memory: new Matcher(patterns.filter(inMemoryToo)), store: new Matcher(patterns) };
  return targets.flatMap((target) => searchTarget(matchers, phase, target));
}

/** Looks through a file that is the memory of a virtual machine. */
export async function searchMachine(wanted: Wanted, path: string): Promise<RamSearch> {
  return await searchRam(path, new Matcher(patternsFor(wanted).filter(inMemoryToo)));
}

interface Matchers {
  readonly memory: Matcher<Pattern>;
  readonly store: Matcher<Pattern>;
}

function searchTarget({ memory, store }: Matchers, phase: Phase, target: Target): Sighting[] {
  const tally = new Tally(store);
  const seen = { phase, place: target.name, owner: 'store', state: 'searched' } as const;
  switch (target.kind) {
    case 'tree':
      searchTree(target.path, tally);
      return [{ ...seen, ...resultOf(tally) }];
    case 'bytes':
      searchBytes(target.name, target.bytes, tally);
      return [{ ...seen, ...resultOf(tally) }];
    default: {
      const inMemory = new Tally(memory);
      const state = searchMemory(target.pid, inMemory);
      searchOpenFiles(target.pid, tally);
      if (state === 'vanished' && target.transient === true) return [];
      return [
        { ...seen, place: `${target.name} memory`, owner: target.owner, state, ...resultOf(inMemory) },
        { ...seen, place: `${target.name} open files`, ...resultOf(tally) },
      ];
    }
  }
}

function resultOf(tally: Tally): Pick<Sighting, 'bytes' | 'hits'> {
  return { bytes: tally.bytes, hits: tally.hits() };
}
