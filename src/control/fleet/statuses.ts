// SPDX-License-Identifier: AGPL-3.0-or-later
import type { GatewayStatus } from '../../contracts/fleet/messages.ts';
import type { Clock } from '../../core/clock/clock.ts';
import { Contact } from '../../core/journal/contact.ts';
import type { Journal } from '../../core/journal/journal.ts';

/** Milliseconds without a status after which a gateway is lost; it says one a minute. */
export const LOST_AFTER = 150_000;

interface Watched {
  readonly contact: Contact;
  heard: number;
  status: GatewayStatus | undefined;
}

/** What each gateway last said about itself, in memory. Says once that one is lost, or runs what it should not. */
export class GatewayStatuses {
  readonly #clock: Clock;
  readonly #journal: Journal;
  readonly #gateways = new Map<string, Watched>();

  /** A gateway that has never said anything is lost after as long as any other. */
  constructor(gateways: readonly string[], { clock, journal }: { readonly clock: Clock; readonly journal: Journal }) {
    this.#clock = clock;
    this.#journal = journal;
    for (const gateway of gateways) {
      const words = { lost: { code: 'gateway_lost', gateway }, found: { code: 'gateway_found', gateway } } as const;
      const contact = new Contact(journal, words);
      this.#gateways.set(gateway, { contact, heard: clock.elapsed(), status: undefined });
    }
  }

  get(gateway: string): GatewayStatus | undefined {
    return this.#gateways.get(gateway)?.status;
  }

  /** Takes what a gateway said. One that is not known is not kept. */
  set(gateway: string, status: GatewayStatus): void {
    const watched = this.#gateways.get(gateway);
    if (watched === undefined) return;
    const before = watched.status?.configuration ?? 'in_force';
    if (status.configuration !== before)
      this.#journal.say({ code: status.configuration === 'drifted' ? 'gateway_drifted' : 'gateway_in_force', gateway });
    // Before its first file a gateway says 0.
    if (status.authfile !== (watched.status?.authfile ?? 0))
      this.#journal.say({ code: 'gateway_authfile', gateway, version: status.authfile });
    watched.status = status;
    watched.heard = this.#clock.elapsed();
    watched.contact.found();
  }

  sweep(): void {
    const now = this.#clock.elapsed();
    for (const { heard, contact } of this.#gateways.values()) if (now - heard > LOST_AFTER) contact.lost();
  }
}
