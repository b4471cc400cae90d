// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Journal } from '../core/journal/journal.ts';
import type { AttestationRefused } from '../verify/attestation/refusal.ts';

interface Repeated {
  readonly gateway: string;
  readonly reason: AttestationRefused['refused'];
  count: number;
}

/**
 * Says in the journal who is refused and why. Anybody may be refused as often as they like: the first of a kind in a
 * minute is said at once, the others are counted and said as one. So a minute has at most two lines for each reason of
 * each gateway that is enrolled, and for those of strangers.
 */
export class Refusals {
  readonly #journal: Journal;
  readonly #minute = new Map<string, Repeated>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** `gateway` is enrolled, or `unknown`. */
  say(gateway: string, reason: AttestationRefused['refused']): void {
    const kind = `${gateway} ${reason}`;
    const before = this.#minute.get(kind);
    if (before !== undefined) before.count += 1;
    else {
      this.#minute.set(kind, { gateway, reason, count: 0 });
      this.#journal.say({ code: 'machine_refused', gateway, reason });
    }
  }

  /** Ends the minute. */
  tell(): void {
    for (const { gateway, reason, count } of this.#minute.values())
      if (count > 0) this.#journal.say({ code: 'refusals_repeated', gateway, reason, count });
    this.#minute.clear();
  }
}
