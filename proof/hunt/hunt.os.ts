// SPDX-License-Identifier: AGPL-3.0-or-later
import { setImmediate as breathe } from 'node:timers/promises';
import type { Encoding } from './encoding.ts';
import { searchBytes, searchOpenFiles, searchTree } from './files.os.ts';
import { type Marker, type Pattern, patternsOf } from './marker.ts';
import { Matcher } from './matcher.ts';
import { searchMemory } from './memory.os.ts';
import { Tally } from './place.ts';
import { searchRam } from './ram.os.ts';
import type { RamSearch } from './ram.ts';
import {
  type Allowance,
  type ControlResult,
  type Expectation,
  type HuntReport,
  judge,
  type Phase,
  type Sighting,
} from './verdict.ts';

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

/** What the verdict is measured against. */
export interface Standard {
  readonly expected: readonly Expectation[];
  readonly allowed: readonly Allowance[];
  readonly controls: readonly ControlResult[];
}

/**
 * Looks for markers wherever a program can have left them.
 *
 * ```ts
 * const hunt = new Hunt([usageKey]);
 * hunt.plant(markedAddress('OpenVPN source address', '198.18.44.57'), marked('OpenVPN username', username));
 * await hunt.look('before', targets);
 * // the client connects
 * await hunt.look('connected', targets);
 * // the client leaves; ten seconds pass
 * await hunt.look('+10 s', targets);
 * const controls = await findLeaks(sinks);
 * const report = hunt.verdict({
 *   expected: [{ place: 'openvpn memory', marker: 'OpenVPN source address' }],
 *   allowed: [],
 *   controls,
 * });
 * ```
 *
 * It runs in the thread of its caller, a quarter of a gigabyte a second, and lets others run between two places.
 */
export class Hunt {
  readonly sightings: Sighting[] = [];
  readonly #salts: readonly Uint8Array[];
  readonly #markers: Marker[] = [];
  #matchers: { readonly memory: Matcher<Pattern>; readonly store: Matcher<Pattern> } | undefined;
  #encodings: Encoding[] = [];

  /** `salts`: every salt and key that the service holds, so that its own digests of a marker are known. */
  constructor(salts: readonly Uint8Array[] = []) {
    this.#salts = salts;
  }

  /** More can be planted between two looks: a byte count is known only at the end. */
  plant(...markers: readonly Marker[]): void {
    this.#markers.push(...markers);
    this.#matchers = undefined;
  }

  get markers(): readonly string[] {
    return this.#markers.map(({ name }) => name);
  }

  async look(phase: Phase, targets: readonly Target[]): Promise<Sighting[]> {
    const seen: Sighting[] = [];
    for (const target of targets) {
      await breathe();
      seen.push(...this.#lookAt(phase, target));
    }
    this.sightings.push(...seen);
    return seen;
  }

  /** Looks through the memory of a virtual machine. The guest knows what is where, so {@link note} what it says. */
  async ram(path: string): Promise<RamSearch> {
    return await searchRam(path, this.#prepare().memory);
  }

  note(sightings: readonly Sighting[]): void {
    this.sightings.push(...sightings);
  }

  verdict(standard: Standard): HuntReport {
    this.#prepare();
    return judge({
      ...standard,
      markers: this.markers,
      encodings: this.#encodings,
      sightings: this.sightings,
    });
  }

  #prepare() {
    if (this.#matchers !== undefined) return this.#matchers;
    const patterns = this.#markers.flatMap((marker) => patternsOf(marker, this.#salts));
    this.#encodings = [...new Set(patterns.map(({ encoding }) => encoding))];
    this.#matchers = {
      memory: new Matcher(patterns.filter(({ storesOnly }) => storesOnly !== true)),
      store: new Matcher(patterns),
    };
    return this.#matchers;
  }

  #lookAt(phase: Phase, target: Target): Sighting[] {
    const { memory, store } = this.#prepare();
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
}

function resultOf(tally: Tally): Pick<Sighting, 'bytes' | 'hits'> {
  return { bytes: tally.bytes, hits: tally.hits() };
}
