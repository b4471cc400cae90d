// SPDX-License-Identifier: AGPL-3.0-or-later
import { bodyLength, HEADER } from './layout.ts';

/** Bytes of the longest file that a gateway fetches. */
export const LONGEST_FILE = 2 ** 30;

/** The most logins that such a file holds beside so many peers. */
export function mostLogins(peers: number): number {
  return Math.floor((LONGEST_FILE - HEADER - bodyLength(0, peers)) / bodyLength(1, 0));
}
