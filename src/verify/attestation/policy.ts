// SPDX-License-Identifier: AGPL-3.0-or-later
import { sameBytes } from '../../bytes/formats/fingerprint.ts';
import type { ReleasePcrs } from './prediction.ts';
import { type AttestationRefused, isRefused, refused } from './refusal.ts';

/** `0.4.1`, or `0.4.1-rc1`, which comes before it. */
export type Version = string & { readonly __unit: 'version' };

const VERSION = /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-([0-9a-z.]{1,40}))?$/;

export function parseVersion(text: string): Version | undefined {
  return VERSION.test(text) ? (text as Version) : undefined;
}

/** Negative when the first is older, positive when it is newer. */
export function compareVersions(a: Version, b: Version): number {
  const left = VERSION.exec(a) ?? [];
  const right = VERSION.exec(b) ?? [];
  for (const part of [1, 2, 3]) {
    const difference = Number(left[part]) - Number(right[part]);
    if (difference !== 0) return difference;
  }
  // A tilde comes behind every character of a suffix.
  const [suffix, other] = [left[4] ?? '~', right[4] ?? '~'];
  return suffix < other ? -1 : Number(suffix > other);
}

/** A release that machines may run, and what their PCRs hold then. */
export interface AllowedRelease {
  readonly version: Version;
  readonly pcrs: ReleasePcrs;
  /** Milliseconds since the Unix epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly revoked: boolean;
}

export interface ReleasePolicy {
  readonly releases: readonly AllowedRelease[];
  /** Nothing older is allowed, even if the list has it. */
  readonly minimum: Version;
}

/**
 * Which release these values show, if it is allowed now. Where several entries have the same values, one that is revoked
 * refuses, and otherwise one that is allowed is enough.
 */
export function releaseOf(pcrs: ReleasePcrs, policy: ReleasePolicy, now: number): AllowedRelease | AttestationRefused {
  if (!policy.releases.some((release) => sameBytes(release.pcrs[7], pcrs[7]))) return refused('secure_boot');
  const shown = policy.releases.filter((known) =>
    ([4, 7, 9, 11] as const).every((pcr) => sameBytes(known.pcrs[pcr], pcrs[pcr])),
  );
  if (shown.some((release) => release.revoked)) return refused('release_revoked');
  const outcomes = shown.map((release) => allowed(release, policy, now));
  return outcomes.find((outcome) => !isRefused(outcome)) ?? outcomes[0] ?? refused('release_unknown');
}

function allowed(release: AllowedRelease, policy: ReleasePolicy, now: number): AllowedRelease | AttestationRefused {
  if (now < release.notBefore) return refused('release_early');
  if (now >= release.notAfter) return refused('release_expired');
  if (compareVersions(release.version, policy.minimum) < 0) return refused('release_old');
  return release;
}
