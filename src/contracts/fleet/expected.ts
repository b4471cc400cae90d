// SPDX-License-Identifier: AGPL-3.0-or-later
import { type KeyObject, sign, verify } from 'node:crypto';
import { z } from 'zod';
import { hex32 } from '../../core/configuration/words.ts';
import { parseFleetBody } from './messages.ts';

/** Signatures are over these bytes and the document, so that the key's signature fits nothing else. */
const DOMAIN = new TextEncoder().encode('lethe expected configuration v1\n');

const EXPECTED = z
  .strictObject({
    gateway: z.string(),
    /** Grows with each change. */
    serial: z.int().min(0),
    location: z.string(),
    release: z.string(),
    /** SHA-256, hex, of each file below the gateway's directory, by its name there. */
    files: z.record(z.string().regex(/^[a-z0-9][a-z0-9._-]*(\/[a-z0-9][a-z0-9._-]*)*$/), hex32).readonly(),
  })
  .readonly();

/** What control expects a gateway to look like. The service's key for expected configurations signs it. */
export type Expected = z.output<typeof EXPECTED>;

/** JSON, and the base64 of an Ed25519 signature. */
export interface SignedExpected {
  readonly body: string;
  readonly signature: string;
}

/** Throws for a document that no gateway would read. */
export function signExpected(expected: Expected, key: KeyObject): SignedExpected {
  const body = JSON.stringify(EXPECTED.parse(expected));
  return { body, signature: sign(null, Buffer.concat([DOMAIN, Buffer.from(body)]), key).toString('base64') };
}

/** Hostile input. `signature`: not signed by this key. `format`: signed, but not such a document. */
export function openExpected(
  body: Uint8Array,
  signature: string | undefined,
  key: KeyObject,
): Expected | 'signature' | 'format' {
  const given = Buffer.from(signature ?? '', 'base64');
  if (!verify(null, Buffer.concat([DOMAIN, body]), key, given)) return 'signature';
  return parseFleetBody(EXPECTED, body) ?? 'format';
}
