// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { z } from 'zod';
import { joined } from '../../bytes/formats/der.ts';
import { parseConfiguration } from '../../core/configuration/configuration.ts';
import { HASH } from './keyring.ts';

/*
 * What a builder says: "from these inputs I got these bytes". An in-toto Statement v1 with SLSA provenance v1 inside a
 * DSSE envelope (secure-systems-lab/dsse, protocol.md), signed with the builder's own Ed25519 key. It holds nothing of
 * where or when, so that two builders' statements differ in the builder alone.
 */

/** What a build tells of itself (build.json), as far as a statement repeats it. */
export interface Built {
  readonly version: string;
  readonly variant: string;
  /** Hex; ends in `-dirty` when the sources were changed; undefined outside a git checkout. */
  readonly commit?: string | undefined;
  readonly inputs: string;
  readonly packagesLock: string;
  readonly toolsLock: string;
  /** `sha512-` and base64. */
  readonly node: string;
}

/** File name to SHA-256 in lower-case hex. */
export type Digests = Readonly<Record<string, string>>;

const TYPE = 'https://in-toto.io/Statement/v1';
const PREDICATE = 'https://slsa.dev/provenance/v1';
const BUILD = 'urn:lethe:image-build:1';
const BUILDER = 'urn:lethe:builder:';
const PAYLOAD = 'application/vnd.in-toto+json';

const FILE = z.string().check(z.regex(/^[a-z][a-z0-9.-]{0,63}$/, 'must be the name of a file'));
export const BUILDER_NAME = z.string().check(z.regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be a name in lower case'));
const sha256 = (name: string) => z.strictObject({ name: z.literal(name), digest: z.strictObject({ sha256: HASH }) });
const STATEMENT = z.strictObject({
  _type: z.literal(TYPE),
  subject: z
    .array(z.strictObject({ name: FILE, digest: z.strictObject({ sha256: HASH }) }))
    .check(z.minLength(1), z.maxLength(32)),
  predicateType: z.literal(PREDICATE),
  predicate: z.strictObject({
    buildDefinition: z.strictObject({
      buildType: z.literal(BUILD),
      externalParameters: z.strictObject({
        version: z.string().check(z.maxLength(64)),
        variant: z.enum(['release', 'probe']),
        source: z.nullable(z.string().check(z.regex(/^[0-9a-f]{40}(-dirty)?$/, 'must be a commit'))),
      }),
      resolvedDependencies: z.tuple([
        sha256('packages.lock'),
        sha256('tools.lock'),
        sha256('inputs'),
        z.strictObject({
          name: z.literal('node'),
          digest: z.strictObject({ sha512: z.string().check(z.regex(/^[0-9a-f]{128}$/, 'must be a SHA-512')) }),
        }),
      ]),
    }),
    runDetails: z.strictObject({
      builder: z.strictObject({ id: z.string().check(z.regex(/^urn:lethe:builder:[a-z][a-z0-9-]{0,31}$/)) }),
    }),
  }),
});
export type Statement = z.infer<typeof STATEMENT>;

const BASE64 = z.string().check(z.regex(/^[A-Za-z0-9+/]*={0,2}$/, 'must be base64'));
const ENVELOPE = z.strictObject({
  payloadType: z.literal(PAYLOAD),
  payload: BASE64,
  signatures: z.tuple([z.strictObject({ keyid: HASH, sig: BASE64 })]),
});

const KNOWN = z.strictObject({
  builders: z.array(z.strictObject({ name: BUILDER_NAME, key: BASE64 })).check(z.minLength(1), z.maxLength(64)),
});

/** Builders that are trusted: name, and public key as SubjectPublicKeyInfo. */
export type Builders = ReadonlyMap<string, KeyObject>;

export type StatementProblem =
  | 'not a statement'
  | 'unknown builder'
  | 'wrong signature'
  | 'signed by another than it names';

export interface Believed {
  readonly builder: string;
  /** SHA-256 of the builder's public key. */
  readonly keyid: string;
  readonly statement: Statement;
}

export function makeStatement(builder: string, built: Built, digests: Digests): Statement {
  const dependency = <Name extends string>(name: Name, digest: string) => ({ name, digest: { sha256: digest } });
  return {
    _type: TYPE,
    subject: Object.entries(digests)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, digest]) => ({ name, digest: { sha256: digest } })),
    predicateType: PREDICATE,
    predicate: {
      buildDefinition: {
        buildType: BUILD,
        externalParameters: {
          version: built.version,
          variant: built.variant === 'probe' ? 'probe' : 'release',
          source: built.commit ?? null,
        },
        resolvedDependencies: [
          dependency('packages.lock', built.packagesLock),
          dependency('tools.lock', built.toolsLock),
          dependency('inputs', built.inputs),
          { name: 'node', digest: { sha512: Uint8Array.fromBase64(built.node.replace('sha512-', '')).toHex() } },
        ],
      },
      runDetails: { builder: { id: `${BUILDER}${builder}` } },
    },
  };
}

/** DSSE's pre-authentication encoding: what is signed, so that it cannot be taken for something else. */
function encoded(payload: Uint8Array): Uint8Array {
  const head = `DSSEv1 ${PAYLOAD.length} ${PAYLOAD} ${payload.length} `;
  return joined([new TextEncoder().encode(head), payload]);
}

/** The text of the envelope. `key` is an Ed25519 private key. The same statement and key give the same text. */
export function signStatement(statement: Statement, key: KeyObject): string {
  const payload = new TextEncoder().encode(JSON.stringify(statement));
  const envelope = {
    payloadType: PAYLOAD,
    payload: payload.toBase64(),
    signatures: [{ keyid: keyId(createPublicKey(key)), sig: sign(null, encoded(payload), key).toString('base64') }],
  };
  return `${JSON.stringify(envelope, undefined, 2)}\n`;
}

/** Reads an envelope that anybody may have written, and accepts it only when a known builder signed it. */
export function believe(text: string, builders: Builders): Believed | { readonly problem: StatementProblem } {
  const envelope = parseConfiguration(ENVELOPE, text);
  if ('problem' in envelope) return { problem: 'not a statement' };
  const [{ keyid, sig }] = envelope.signatures;
  const [name, key] = [...builders].find(([, known]) => keyId(known) === keyid) ?? [];
  if (name === undefined || key === undefined) return { problem: 'unknown builder' };
  const payload = new Uint8Array(Buffer.from(envelope.payload, 'base64'));
  if (!verify(null, encoded(payload), key, Buffer.from(sig, 'base64'))) return { problem: 'wrong signature' };
  const statement = parseConfiguration(STATEMENT, new TextDecoder().decode(payload));
  if ('problem' in statement) return { problem: 'not a statement' };
  if (statement.predicate.runDetails.builder.id !== `${BUILDER}${name}`)
    return { problem: 'signed by another than it names' };
  return { builder: name, keyid, statement };
}

/** SHA-256 of the SubjectPublicKeyInfo, lower-case hex. */
function keyId(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

export function digestsOf(statement: Statement): Digests {
  return Object.fromEntries(statement.subject.map(({ name, digest }) => [name, digest.sha256]));
}

/** Everything a statement says but who says it: equal texts mean that two builders agree. */
export function claimOf({ subject, predicate }: Statement): string {
  return JSON.stringify([subject, predicate.buildDefinition]);
}

/** One entry of the file of known builders. */
export function builderEntry(name: string, key: KeyObject): { name: string; key: string } {
  return { name, key: createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('base64') };
}

/** Reads the file of known builders. Names and keys must differ, or one person could be two builders. */
export function parseBuilders(text: string): Builders | { readonly problem: string } {
  const known = parseConfiguration(KNOWN, text);
  if ('problem' in known) return known;
  const builders = new Map<string, KeyObject>();
  const ids = new Set<string>();
  for (const { name, key } of known.builders) {
    const parsed = ed25519(key);
    if (parsed === undefined) return { problem: `${name}: its key is not an Ed25519 public key` };
    if (builders.has(name) || ids.has(keyId(parsed))) return { problem: `${name}: its name or its key stands twice` };
    builders.set(name, parsed);
    ids.add(keyId(parsed));
  }
  return builders;
}

function ed25519(base64: string): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: Buffer.from(base64, 'base64'), type: 'spki', format: 'der' });
    return key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    return undefined;
  }
}
