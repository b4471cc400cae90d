// SPDX-License-Identifier: AGPL-3.0-or-later

// What the lab and its agent, a program of its own, know of each other.

/** Whom the agent runs as: ids that no user has. */
export const AGENT_USER = { uid: 61_001, gid: 61_001 } as const;

/** What the agent says, a line of JSON each; `used` is what a usage event would be made of. */
export type Told =
  | { readonly told: 'serving' | 'admitted' | 'refused' | 'established' }
  | { readonly told: 'ended'; readonly totalBytes: number }
  | { readonly told: 'progress'; readonly totalBytes: number }
  | { readonly told: 'used'; readonly totalBytes: number; readonly country: string };
