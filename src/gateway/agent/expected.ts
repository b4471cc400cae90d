// SPDX-License-Identifier: AGPL-3.0-or-later
import { type KeyObject, verify } from 'node:crypto';
import { z } from 'zod';

/** What control expects of this gateway (S10), signed by the service's key for it. */
export interface Expected {
  readonly gateway: string;
  /** Grows with each change. */
  readonly serial: number;
  readonly location: string;
  readonly release: string;
  /** SHA-256, hex, of each file below the gateway's directory. */
  readonly files: Readonly<Record<string, string>>;
}

/**
 * - `signature`: not signed by the key for expected configurations;
 * - `format`: signed, but not such a document;
 * - `stranger`: meant for another gateway;
 * - `rollback`: older than the one in force.
 */
export type ExpectedRefusal = 'signature' | 'format' | 'stranger' | 'rollback';

const DOMAIN = new TextEncoder().encode('lethe expected configuration v1\n');

const SCHEMA = z.strictObject({
  gateway: z.string(),
  serial: z.int().min(0),
  location: z.string(),
  release: z.string(),
  files: z.record(
    z.string().regex(/^[a-z0-9][a-z0-9._-]*(\/[a-z0-9][a-z0-9._-]*)*$/),
    z.string().regex(/^[0-9a-f]{64}$/),
  ),
});

/** Judges a document from outside. `signature` is base64. */
export function readExpected(
  body: Uint8Array,
  signature: string | undefined,
  context: { readonly key: KeyObject; readonly gateway: string; readonly inForce: Expected | undefined },
): Expected | ExpectedRefusal {
  if (!signed(body, signature ?? '', context.key)) return 'signature';
  const expected = documentOf(body);
  if (expected === undefined) return 'format';
  if (expected.gateway !== context.gateway) return 'stranger';
  if (context.inForce !== undefined && expected.serial < context.inForce.serial) return 'rollback';
  return expected;
}

function signed(body: Uint8Array, signature: string, key: KeyObject): boolean {
  return verify(null, Buffer.concat([DOMAIN, body]), key, Buffer.from(signature, 'base64'));
}

function documentOf(body: Uint8Array): Expected | undefined {
  try {
    return SCHEMA.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)));
  } catch {
    return undefined;
  }
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
