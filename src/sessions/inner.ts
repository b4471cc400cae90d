// SPDX-License-Identifier: AGPL-3.0-or-later
import type { SessionId } from './session.ts';

/**
 * Finds the session behind an address inside the tunnel, which the gateway gave out itself. Each tunnel answers for
 * its own pools. There is no such lookup for the address a session came from.
 */
export interface InnerAddresses {
  /** 4 or 16 address bytes in place, network order. Undefined when nobody has it now. */
  sessionAt(bytes: Uint8Array, start: number, length: 4 | 16): SessionId | undefined;
}
