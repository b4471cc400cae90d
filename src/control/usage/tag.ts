// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHmac } from 'node:crypto';
import type { UsageTag } from '../../core/licences/licence.ts';

/**
 * 32 random bytes that only the operator's control program holds. Gateways get finished tags and cannot make one.
 * Without this key the database does not tell whose an event is. A new key makes new tags from the next auth
 * file on; once the old key is destroyed, the events before can be connected with no customer.
 */
export type UsageKey = Uint8Array & { readonly __unit: 'usage key' };

export function usageKey(bytes: Uint8Array): UsageKey {
  if (bytes.length !== 32) throw new RangeError('a usage key has 32 bytes');
  return bytes as UsageKey;
}

/**
 * The salted, keyed hash that stands for a VPN username in usage events: the first 8 bytes of HMAC-SHA-256 over
 * the salted hash of the name (`name_key`).
 */
export function usageTagOf(key: UsageKey, nameKey: Uint8Array): UsageTag {
  return createHmac('sha256', key).update(nameKey).digest('hex').slice(0, 16) as UsageTag;
}
