// SPDX-License-Identifier: AGPL-3.0-or-later
import type { KeyObject } from 'node:crypto';
import type { AuthFile, AuthFileRefusal, AuthSource } from '../../contracts/authfile/authfile.ts';
import { openAuthFile, type SealedAuthFile } from '../../contracts/authfile/open.ts';
import type { Journal } from '../../core/journal/journal.ts';
import type { Entitlement, UsageTag } from '../../core/licences/licence.ts';

/**
 * The auth file in force. A file that is refused changes nothing; a file that is taken replaces the old one by one
 * assignment, so that a lookup sees either and never a mixture.
 *
 * Known hole: a gateway that has just started has no version to compare with, so the first file it sees may be an old
 * one. That it came from control over TLS is what speaks for it.
 */
export class CurrentAuthFile implements AuthSource {
  readonly #publicKey: KeyObject;
  readonly #journal: Journal;
  readonly #listeners: (() => void)[] = [];
  /** Refusals said since the last change: each is reported once, not at every poll. */
  readonly #said = new Set<AuthFileRefusal>();
  #current: SealedAuthFile | undefined;

  constructor(publicKey: KeyObject, journal: Journal) {
    this.#publicKey = publicKey;
    this.#journal = journal;
  }

  get current(): AuthFile | undefined {
    return this.#current;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** What the file in force says under each of these usage tags: what is missing has been withdrawn. */
  entitlementsOf(tags: ReadonlySet<UsageTag>): Map<UsageTag, Entitlement> {
    return this.#current?.entitlementsOf(tags) ?? new Map<UsageTag, Entitlement>();
  }

  /** Judges a file that came from outside. The bytes are kept when it is taken: the caller gives them up. */
  offer(bytes: Uint8Array): 'in_force' | AuthFileRefusal {
    const file = openAuthFile(bytes, this.#publicKey);
    if (typeof file === 'string') return this.#refuse(file);
    if (this.#current !== undefined && file.version <= this.#current.version) {
      return sameFile(file, this.#current) ? 'in_force' : this.#refuse('rollback');
    }
    this.#current = file;
    this.#said.clear();
    this.#journal.say({ code: 'authfile_in_force', version: file.version });
    for (const listener of this.#listeners) listener();
    return 'in_force';
  }

  #refuse(reason: AuthFileRefusal): AuthFileRefusal {
    if (!this.#said.has(reason)) this.#journal.say({ code: 'authfile_refused', reason });
    this.#said.add(reason);
    return reason;
  }
}

function sameFile(offered: SealedAuthFile, inForce: SealedAuthFile): boolean {
  return offered.version === inForce.version && Buffer.compare(offered.digest, inForce.digest) === 0;
}
