// SPDX-License-Identifier: AGPL-3.0-or-later
import {
  bitString,
  boolean,
  type Der,
  explicit,
  implicit,
  integer,
  namedBits,
  nothing,
  octetString,
  oid,
  sequence,
  set,
  time,
  utf8String,
} from './der.ts';

/** X.509 v3 certificates (RFC 5280), as far as a private authority for servers needs them. */
export interface CertificateFields {
  /** Big-endian, positive, at most 20 bytes (§4.1.2.2). */
  readonly serial: Uint8Array;
  readonly issuer: Name;
  readonly subject: Name;
  /** Milliseconds since the Unix epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Der;
  readonly extensions: readonly Der[];
}

export interface Name {
  readonly organization?: string;
  readonly commonName: string;
}

export type SignatureAlgorithm = 'rsa-sha256' | 'ecdsa-sha256';

/** The holder of a private key: this process, a token, another machine. */
export interface Signer {
  readonly algorithm: SignatureAlgorithm;
  sign(message: Uint8Array): Promise<Uint8Array>;
}

const OID = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const;

/** Bits of KeyUsage (§4.2.1.3). */
const KEY_USAGE = { digitalSignature: 0, keyEncipherment: 2, keyCertSign: 5, cRLSign: 6 } as const;

/**
 * What servers are for: Apple and Windows ask for serverAuth on an IKEv2 gateway; older Apple systems ask for
 * `ikeIntermediate` besides. What signs programs: codeSigning.
 */
export const EXTENDED_KEY_USAGE = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  ikeIntermediate: '1.3.6.1.5.5.8.2.2',
} as const;

/** RSA with SHA-256 (RFC 4055 §5) carries a NULL; ECDSA with SHA-256 (RFC 5758 §3.2) carries nothing. */
const ALGORITHM: Readonly<Record<SignatureAlgorithm, Der>> = {
  'rsa-sha256': sequence(oid('1.2.840.113549.1.1.11'), nothing()),
  'ecdsa-sha256': sequence(oid('1.2.840.10045.4.3.2')),
};

/** The certificate as DER. */
export async function signCertificate(fields: CertificateFields, signer: Signer): Promise<Der> {
  const algorithm = ALGORITHM[signer.algorithm];
  const body = sequence(
    explicit(0, integer(2)),
    integer(fields.serial),
    algorithm,
    nameOf(fields.issuer),
    sequence(time(fields.notBefore), time(fields.notAfter)),
    nameOf(fields.subject),
    fields.publicKey,
    explicit(3, sequence(...fields.extensions)),
  );
  return sequence(body, algorithm, bitString(await signer.sign(body)));
}

function nameOf(name: Name): Der {
  const attribute = (type: string, text: string) => set(sequence(oid(type), utf8String(text)));
  const common = attribute(OID.commonName, name.commonName);
  return name.organization === undefined
    ? sequence(common)
    : sequence(attribute(OID.organization, name.organization), common);
}

function extension(id: string, critical: boolean, value: Der): Der {
  return critical ? sequence(oid(id), boolean(true), octetString(value)) : sequence(oid(id), octetString(value));
}

/** §4.2.1.9. `pathLength` intermediate authorities may follow. */
export function authorityConstraints(pathLength: number): Der {
  return extension(OID.basicConstraints, true, sequence(boolean(true), integer(pathLength)));
}

/** The empty sequence means: no authority. */
export function endEntityConstraints(): Der {
  return extension(OID.basicConstraints, true, sequence());
}

export function keyUsage(...usages: readonly (keyof typeof KEY_USAGE)[]): Der {
  return extension(OID.keyUsage, true, namedBits(usages.map((usage) => KEY_USAGE[usage])));
}

export function extendedKeyUsage(...purposes: readonly (keyof typeof EXTENDED_KEY_USAGE)[]): Der {
  return extension(
    OID.extendedKeyUsage,
    false,
    sequence(...purposes.map((purpose) => oid(EXTENDED_KEY_USAGE[purpose]))),
  );
}

export function subjectKeyIdentifier(identifier: Uint8Array): Der {
  return extension(OID.subjectKeyIdentifier, false, octetString(identifier));
}

export function authorityKeyIdentifier(identifier: Uint8Array): Der {
  return extension(OID.authorityKeyIdentifier, false, sequence(implicit(0, identifier)));
}

/** DNS names, and addresses as 4 or 16 bytes (§4.2.1.6). */
export function subjectAltName(names: readonly string[], addresses: readonly Uint8Array[]): Der {
  const dns = names.map((name) => implicit(2, new TextEncoder().encode(name)));
  const ip = addresses.map((address) => implicit(7, address));
  return extension(OID.subjectAltName, false, sequence(...dns, ...ip));
}

/** The identifier of {@link nameConstraints}, as it stands in a certificate. */
export const NAME_CONSTRAINTS: Der = oid(OID.nameConstraints);

/**
 * §4.2.1.10. The DNS names that an authority may certify, each with everything below it. Addresses are not constrained:
 * strongSwan 5.9 does not load an authority that constrains them.
 */
export function nameConstraints(names: readonly string[]): Der {
  const subtrees = names.map((name) => sequence(implicit(2, new TextEncoder().encode(name))));
  return extension(OID.nameConstraints, true, sequence(explicit(0, ...subtrees)));
}
