// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Encoding } from './encoding.ts';
import type { Hit } from './place.ts';
import type { Owner, Phase, Sighting } from './verdict.ts';

/** A marker met in the memory of a machine. */
export interface Occurrence {
  readonly marker: string;
  readonly encoding: Encoding;
  /** Bytes that were compared. */
  readonly length: number;
  /** Where, in bytes from the beginning of the machine's memory. */
  readonly address: number;
}

export interface RamSearch {
  readonly bytes: number;
  readonly occurrences: readonly Occurrence[];
}

interface Look {
  readonly phase: Phase;
  readonly bytes: number;
  readonly byPlace: ReadonlyMap<string, readonly Occurrence[]>;
}

/** Four bytes can occur anywhere by chance: about once in four gibibytes of random data. */
const BY_CHANCE = 4;

/**
 * Several looks through the memory of one machine. The user of a page now may not have written what is in it, so a
 * place is what the guest says at the time of the look, and all places of all looks are compared.
 */
export class RamLooks {
  readonly #looks: Look[] = [];
  readonly #chance = new Set<string>();

  /** How many places held the four bytes of an address before anybody had it; there they do not count later either. */
  get chance(): number {
    return this.#chance.size;
  }

  add(phase: Phase, { bytes, occurrences }: RamSearch, placeOf: (found: Occurrence) => string): void {
    const identity = ({ marker, address }: Occurrence) => `${marker} ${address}`;
    const short = occurrences.filter(({ length }) => length <= BY_CHANCE);
    if (phase === 'before') for (const occurrence of short) this.#chance.add(identity(occurrence));
    const counted = occurrences.filter((found) => found.length > BY_CHANCE || !this.#chance.has(identity(found)));
    this.#looks.push({ phase, bytes, byPlace: Map.groupBy(counted, placeOf) });
  }

  /** One for each place at each look. */
  sightings(ownerOf: (place: string) => Owner): Sighting[] {
    const places = [...new Set(this.#looks.flatMap(({ byPlace }) => [...byPlace.keys()]))].toSorted();
    return this.#looks.flatMap(({ phase, bytes, byPlace }) =>
      places.map((place, index) => ({
        phase,
        place,
        owner: ownerOf(place),
        state: 'searched' as const,
        // What was searched is the whole, once.
        bytes: index === 0 ? bytes : 0,
        hits: tally(byPlace.get(place) ?? []),
      })),
    );
  }
}

function tally(found: readonly Occurrence[]): Hit[] {
  const groups = Map.groupBy(found, ({ marker, encoding }) => `${marker}\n${encoding}`);
  return Array.from(groups.values(), (group) => {
    const [{ marker, encoding, address }] = group as [Occurrence];
    return { marker, encoding, count: group.length, at: `0x${address.toString(16)}` };
  });
}
