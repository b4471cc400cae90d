// SPDX-License-Identifier: AGPL-3.0-or-later

/** Something in a rendered file that could log, record or persist, or that nobody has looked at yet. */
export interface Finding {
  readonly file: string;
  /** From 1; 0 for something that is missing from the file. */
  readonly line: number;
  /** One short sentence. */
  readonly problem: string;
}
