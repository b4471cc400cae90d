// SPDX-License-Identifier: AGPL-3.0-or-later

const HOUR = 3_600_000;

/**
 * Hours without a proof after which something is wrong. Gateways prove themselves every hour (lethe-attestation.timer);
 * one that is restarted, or whose way to the activator is away for a while, misses one or two.
 */
const OVERDUE_AFTER = 3;

/** The hour, counted from 1970, of a time in milliseconds: finer is not kept. */
export function hourOf(milliseconds: number): number {
  return Math.floor(milliseconds / HOUR);
}

/** When a gateway last proved itself, in words for a person. Both are hours. */
export function proofAge(proven: number, now: number): string {
  const hours = Math.max(0, now - proven);
  const age = hours === 0 ? 'proved itself within the hour' : `proved itself ${hours} h ago`;
  return hours >= OVERDUE_AFTER ? `OVERDUE: ${age}` : age;
}
