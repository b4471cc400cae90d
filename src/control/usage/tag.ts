// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHmac } from 'node:crypto';
import type { LicenceId, UsageTag } from '../../core/licences/licence.ts';

/**
 * 32 random bytes that only the operator's control program holds. Gateways get finished tags and cannot make one.
 * A new key makes new tags from the next auth file on.
 */
export type UsageKey = Uint8Array & { readonly __unit: 'usage key' };

/**
 * A customer in the events as they are stored: 8 bytes as 16 lower-case hex digits. The usage tag that an event
 * came with is in the auth files beside a licence, so it is stored nowhere.
 */
export type StoredTag = string & { readonly __unit: 'stored tag' };

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

/** The same for a licence that has WireGuard keys and no VPN username. */
export function licenceTagOf(key: UsageKey, licence: LicenceId): UsageTag {
  return createHmac('sha256', key).update(`lethe licence v1\n${licence}`).digest('hex').slice(0, 16) as UsageTag;
}

/** Every tag under which a licence's sessions are counted now. */
export function usageTagsOf(key: UsageKey, licence: LicenceId, nameKey: Uint8Array | undefined): UsageTag[] {
  const own = licenceTagOf(key, licence);
  return nameKey === undefined ? [own] : [usageTagOf(key, nameKey), own];
}

/**
 * What is stored for a usage tag in the month of this salt. It takes the usage key, which is outside the database, and the
 * salt, which is deleted two months later at most: then nothing joins the event with a licence any more, not even the key
 * and every auth file that there was.
 */
export function storedTagOf(key: UsageKey, salt: Uint8Array, tag: UsageTag): StoredTag {
  const monthly = createHmac('sha256', key).update('lethe stored tag v1\n').update(salt).digest();
  return createHmac('sha256', monthly).update(tag).digest('hex').slice(0, 16) as StoredTag;
}
