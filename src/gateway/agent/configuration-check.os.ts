// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHash, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Expected } from '../../contracts/fleet/expected.ts';
import type { Journal } from '../../core/journal/journal.ts';
import { driftOf, type ExpectedRefusal, readExpected } from './expected.ts';

export interface OwnConfiguration {
  readonly gateway: string;
  readonly location: string;
  readonly release: string;
  /** The directory of the rendered files. */
  readonly directory: string;
}

/** Compares what this gateway runs with what the service has signed for it. Says each change once. */
export class ConfigurationCheck {
  readonly #own: OwnConfiguration;
  readonly #key: KeyObject;
  readonly #journal: Journal;
  #expected: Expected | undefined;
  #said: string | undefined;
  #refused: ExpectedRefusal | undefined;

  constructor(own: OwnConfiguration, key: KeyObject, journal: Journal) {
    this.#own = own;
    this.#key = key;
    this.#journal = journal;
  }

  /** Takes a new document into use, unless it is refused; then the old one stays. */
  offer(body: Uint8Array, signature: string | undefined): 'in_force' | ExpectedRefusal {
    const context = { key: this.#key, gateway: this.#own.gateway, inForce: this.#expected };
    const expected = readExpected(body, signature, context);
    if (typeof expected !== 'string') {
      this.#expected = expected;
      this.#refused = undefined;
      return 'in_force';
    }
    if (expected !== this.#refused) this.#journal.say({ code: 'expected_refused', reason: expected });
    this.#refused = expected;
    return expected;
  }

  /** A gateway that has not been told what is expected of it has drifted. */
  check(): 'in_force' | 'drifted' {
    if (this.#expected === undefined) return 'drifted';
    const { location, release, directory } = this.#own;
    const drift = driftOf(this.#expected, { location, release, digestOf: (name) => digestOf(join(directory, name)) });
    const said = drift ?? '';
    if (said !== this.#said) {
      this.#journal.say(drift === undefined ? { code: 'config_in_force' } : { code: 'config_drifted', file: drift });
    }
    this.#said = said;
    return drift === undefined ? 'in_force' : 'drifted';
  }
}

function digestOf(path: string): string | undefined {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('hex');
  } catch {
    return undefined;
  }
}
