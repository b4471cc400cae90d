// SPDX-License-Identifier: AGPL-3.0-or-later

import { parseAddress } from '../../bytes/text/address.ts';
import type { AuthFile } from '../../contracts/authfile/authfile.ts';
import type { Entitlement } from '../../core/licences/licence.ts';
import type { Origin } from '../../core/sessions/session.ts';
import type { OriginLookup } from '../geoip/origin.ts';
import type { SaEvent } from './vici-sa.ts';

/** What may be known about a session that charon already carries. */
export interface Adoptable {
  /** Undefined for a name that the auth file does not hold. */
  readonly entitlement: Entitlement | undefined;
  readonly origin: Origin;
  /** Number of its inner addresses; undefined for an address that is not of our pools. */
  readonly host: number | undefined;
}

const address = new Uint8Array(new ArrayBuffer(16));

/** Reads what a resynchronisation needs from a `list-sa` event, in place. */
export function adoptable(
  sa: SaEvent,
  bytes: Uint8Array,
  auth: AuthFile,
  origin: OriginLookup,
  hostOf: (bytes: Uint8Array, start: number, length: 4 | 16) => number | undefined,
): Adoptable {
  const entitlement = auth.name(bytes, sa.identityStart, sa.identityEnd)?.entitlement;
  const outer = parseAddress(bytes, sa.remoteStart, sa.remoteEnd, address);
  const from = origin.of(address, 0, outer === 16 ? 16 : 4);
  const inner = parseAddress(bytes, sa.innerStart, sa.innerEnd, address);
  const host = inner === 0 ? undefined : hostOf(address, 0, inner);
  address.fill(0);
  return { entitlement, origin: from, host };
}
