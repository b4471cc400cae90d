// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHash, X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { pem } from '../../bytes/formats/der.ts';
import { GUID, parseGuid, type SecureBootVariables, type Signature, signatureLists } from '../../bytes/formats/efi.ts';
import {
  ATTRIBUTE,
  type StoredVariable,
  type StoreProblem,
  SWITCH,
  writeVariableStore,
} from '../../bytes/formats/varstore.ts';
import { type ConfigurationProblem, parseConfiguration } from '../../core/configuration/configuration.ts';

/**
 * The public half of the operator's Secure Boot keys: what a machine is told to trust. It is published with each
 * release, because PCR 7 follows from it.
 *
 *   PK    may replace KEK            a file, offline
 *   KEK   may change db and dbx      a file, offline
 *   db    certificates whose programs boot; the private keys live in tokens
 *   dbx   hashes of programs that do not boot any more, whoever signed them
 */
export interface Keyring {
  /** Names the operator in each entry; random, and the same for ever. */
  readonly owner: string;
  /** When it was last changed, in whole seconds (ISO 8601, UTC): firmware takes no update that is not later. */
  readonly time: string;
  /** Certificates in PEM. The last of `db` is the one that signs now. */
  readonly PK: string;
  readonly KEK: string;
  readonly db: readonly string[];
  /** Authenticode SHA-256, lower-case hex. */
  readonly revoked: readonly string[];
}

const CERTIFICATE = z.string().check(z.refine((text) => certificateOf(text) !== undefined, 'must be a certificate'));
export const HASH = z.string().check(z.regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hex'));
const SCHEMA = z.strictObject({
  owner: z.string().check(z.refine((text) => parseGuid(text) !== undefined, 'must be a GUID in lower case')),
  time: z.string().check(z.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'must be a time in whole seconds')),
  PK: CERTIFICATE,
  KEK: CERTIFICATE,
  db: z.array(CERTIFICATE).check(z.minLength(1)),
  revoked: z.array(HASH),
});

export function parseKeyring(text: string): Keyring | ConfigurationProblem {
  return parseConfiguration(SCHEMA, text);
}

export function printKeyring(keyring: Keyring): string {
  return `${JSON.stringify(keyring, undefined, 2)}\n`;
}

function certificateOf(text: string): X509Certificate | undefined {
  try {
    return new X509Certificate(text);
  } catch {
    return undefined;
  }
}

export function derOf(certificate: string): Uint8Array {
  return new Uint8Array(new X509Certificate(certificate).raw);
}

export function pemOf(der: Uint8Array): string {
  return pem('CERTIFICATE', der);
}

/** SHA-256 of the DER, lower-case hex. */
export function fingerprint(certificate: string): string {
  return createHash('sha256').update(derOf(certificate)).digest('hex');
}

/** What the four variables hold. PCR 7 is made of them. */
export function secureBootVariables(keyring: Keyring): SecureBootVariables {
  const owner = parseGuid(keyring.owner) as NonNullable<ReturnType<typeof parseGuid>>;
  const certificates = (list: readonly string[]) =>
    signatureLists(list.map((text): Signature => ({ type: 'x509', owner, data: derOf(text) })));
  return {
    PK: certificates([keyring.PK]),
    KEK: certificates([keyring.KEK]),
    db: certificates(keyring.db),
    dbx: signatureLists(
      keyring.revoked.map((hash): Signature => ({ type: 'sha256', owner, data: Uint8Array.fromHex(hash) })),
    ),
  };
}

/** An OVMF variable store with Secure Boot on and these keys enrolled. The same arguments give the same bytes. */
export function enrolledStore(template: Uint8Array, keyring: Keyring): Uint8Array | StoreProblem {
  const { nonVolatile, bootService, runtime, timeBased } = ATTRIBUTE;
  const time = Date.parse(keyring.time);
  const held = secureBootVariables(keyring);
  const variables: StoredVariable[] = [
    switchOf('SecureBootEnable', SWITCH.secureBootEnable, 1),
    switchOf('CustomMode', SWITCH.customMode, 0),
  ];
  for (const name of ['PK', 'KEK', 'db', 'dbx'] as const) {
    // Firmware knows no empty variable: without a hash, dbx is not there.
    if (held[name].length === 0) continue;
    const vendor = name === 'PK' || name === 'KEK' ? GUID.globalVariable : GUID.imageSecurity;
    const attributes = nonVolatile | bootService | runtime | timeBased;
    variables.push({ vendor, name, attributes, time, data: held[name] });
  }
  return writeVariableStore(template, variables);
}

function switchOf(name: string, vendor: StoredVariable['vendor'], value: number): StoredVariable {
  const attributes = ATTRIBUTE.nonVolatile | ATTRIBUTE.bootService;
  return { vendor, name, attributes, time: undefined, data: Uint8Array.of(value) };
}

/** A later time than the last change, however far the clock went back. Milliseconds since the Unix epoch. */
export function nextTime(keyring: Keyring, now: number): string {
  return isoSeconds(Math.max(now, Date.parse(keyring.time) + 1000));
}

export function isoSeconds(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}

/** The same keyring, in which this program boots no more. */
export function revoked(keyring: Keyring, hash: string, now: number): Keyring {
  const hashes = [...new Set([...keyring.revoked, hash])].toSorted();
  return { ...keyring, time: nextTime(keyring, now), revoked: hashes };
}

/** The certificate in `db` that belongs to a public key (SubjectPublicKeyInfo). */
export function signerCertificate(keyring: Keyring, info: Uint8Array): string | undefined {
  return keyring.db.find((text) =>
    Buffer.from(info).equals(new X509Certificate(text).publicKey.export({ type: 'spki', format: 'der' })),
  );
}
