// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Encoding } from './encoding.ts';
import type { Marker } from './marker.ts';
import type { RamSearch } from './ram.ts';
import { patternsFor, type Target } from './search.os.ts';
import { lookAt, lookThrough } from './search-process.os.ts';
import {
  type Allowance,
  type ControlResult,
  type Expectation,
  type HuntReport,
  judge,
  type Phase,
  type Sighting,
} from './verdict.ts';

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
 * It searches in a process of its own, up to a quarter of a gigabyte a second.
 */
export class Hunt {
  readonly sightings: Sighting[] = [];
  readonly #salts: readonly Uint8Array[];
  readonly #markers: Marker[] = [];

  /** `salts`: every salt and key that the service holds, so that its own digests of a marker are known. */
  constructor(salts: readonly Uint8Array[] = []) {
    this.#salts = salts;
  }

  /** More can be planted between two looks: a byte count is known only at the end. */
  plant(...markers: readonly Marker[]): void {
    this.#markers.push(...markers);
  }

  get markers(): readonly string[] {
    return this.#markers.map(({ name }) => name);
  }

  async look(phase: Phase, targets: readonly Target[]): Promise<Sighting[]> {
    const seen = await lookAt(this.#wanted, phase, targets);
    this.sightings.push(...seen);
    return seen;
  }

  /** Looks through the memory of a virtual machine. The guest knows what is where, so {@link note} what it says. */
  async ram(path: string): Promise<RamSearch> {
    return await lookThrough(this.#wanted, path);
  }

  note(sightings: readonly Sighting[]): void {
    this.sightings.push(...sightings);
  }

  verdict(standard: Standard): HuntReport {
    return judge({
      ...standard,
      markers: this.markers,
      encodings: this.#encodings(),
      sightings: this.sightings,
    });
  }

  get #wanted() {
    return { markers: this.#markers, salts: this.#salts };
  }

  #encodings(): Encoding[] {
    return [...new Set(patternsFor(this.#wanted).map(({ encoding }) => encoding))];
  }
}
