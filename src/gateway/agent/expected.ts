// SPDX-License-Identifier: AGPL-3.0-or-later
import type { KeyObject } from 'node:crypto';
import { type Expected, openExpected } from '../../contracts/fleet/expected.ts';

/**
 * - `signature`: not signed by the key for expected configurations;
 * - `format`: signed, but not such a document;
 * - `stranger`: meant for another gateway;
 * - `rollback`: older than the one in force.
 */
export type ExpectedRefusal = 'signature' | 'format' | 'stranger' | 'rollback';

/** Judges a document from outside. `signature` is base64. */
export function readExpected(
  body: Uint8Array,
  signature: string | undefined,
  context: { readonly key: KeyObject; readonly gateway: string; readonly inForce: Expected | undefined },
): Expected | ExpectedRefusal {
  const expected = openExpected(body, signature, context.key);
  if (typeof expected === 'string') return expected;
  if (expected.gateway !== context.gateway) return 'stranger';
  if (context.inForce !== undefined && expected.serial < context.inForce.serial) return 'rollback';
  return expected;
}

/** What is there, in the same terms. */
export interface Found {
  readonly location: string;
  readonly release: string;
  /** Undefined where there is no such file. */
  readonly digestOf: (name: string) => string | undefined;
}

/** The first thing that is not as expected, as a word for the journal; undefined when all is. */
export function driftOf(expected: Expected, found: Found): string | undefined {
  if (found.release !== expected.release) return 'release';
  if (found.location !== expected.location) return 'location';
  const file = Object.entries(expected.files).find(([name, digest]) => found.digestOf(name) !== digest)?.[0];
  return file?.replaceAll('/', '.');
}
