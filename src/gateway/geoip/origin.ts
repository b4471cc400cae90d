// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Origin } from '../../core/sessions/session.ts';

/** Turns the address a session came from into the only thing that is ever said about it. */
export interface OriginLookup {
  /** 4 or 16 address bytes in place, network order. Keeps nothing of them. Never throws. */
  of(bytes: Uint8Array, start: number, length: 4 | 16): Origin;
}

export const UNKNOWN_ORIGIN: Origin = { country: 'unknown', isp: 'unknown' };

/** For gateways without data: every session comes from nowhere in particular. */
export const nowhere: OriginLookup = { of: () => UNKNOWN_ORIGIN };
