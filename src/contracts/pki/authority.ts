// SPDX-License-Identifier: AGPL-3.0-or-later
import { type KeyObject, X509Certificate } from 'node:crypto';
import { pem } from '../../bytes/formats/der.ts';
import {
  authorityConstraints,
  authorityKeyIdentifier,
  endEntityConstraints,
  extendedKeyUsage,
  keyUsage,
  NAME_CONSTRAINTS,
  type Name,
  nameConstraints,
  type Signer,
  signCertificate,
  subjectAltName,
  subjectKeyIdentifier,
} from '../../bytes/formats/x509.ts';
import { type Clock, today } from '../../core/clock/clock.ts';
import type { Random } from '../../core/random/random.ts';
import { keyIdentifier, publicKeyInfo } from './keys.ts';

/** The service's own certificate authority: the one root that its gateways and control present. */
export interface Authority {
  readonly name: Name;
  /** PEM */
  readonly certificate: string;
  readonly publicKey: Uint8Array;
  readonly signer: Signer;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const AUTHORITY_DAYS = 3650;
/** Apple refuses server certificates of more than 825 days. */
const SERVER_DAYS = 397;

/**
 * Makes the authority. `key` is its public or private half, `signer` whoever can sign with it. Dates are whole days,
 * and begin a day early, for clients whose clocks are behind. One that customers trust certifies the DNS names that are
 * `permitted`, and those below them: their systems refuse what somebody with its key may sign for another.
 */
export async function createAuthority(
  deps: { readonly clock: Clock; readonly random: Random },
  subject: {
    readonly name: Name;
    readonly key: KeyObject;
    readonly signer: Signer;
    readonly permitted?: readonly string[] | undefined;
  },
): Promise<Authority> {
  const publicKey = publicKeyInfo(subject.key);
  const identifier = keyIdentifier(publicKey);
  const der = await signCertificate(
    {
      serial: randomSerial(deps.random),
      issuer: subject.name,
      subject: subject.name,
      ...wholeDays(deps.clock, AUTHORITY_DAYS),
      publicKey,
      extensions: [
        authorityConstraints(0),
        keyUsage('keyCertSign', 'cRLSign'),
        ...(subject.permitted === undefined ? [] : [nameConstraints(subject.permitted)]),
        subjectKeyIdentifier(identifier),
        authorityKeyIdentifier(identifier),
      ],
    },
    subject.signer,
  );
  return { name: subject.name, certificate: pem('CERTIFICATE', der), publicKey, signer: subject.signer };
}

/** Whether a certificate (PEM) says which names its holder may certify. */
export function isConstrained(certificate: string): boolean {
  return Buffer.from(new X509Certificate(certificate).raw).includes(NAME_CONSTRAINTS);
}

export interface ServerSubject {
  /** DNS name: the first thing a client compares. */
  readonly name: string;
  /** Addresses that clients may compare instead: 4 or 16 bytes each. */
  readonly addresses: readonly Uint8Array[];
  /** Public or private half. */
  readonly key: KeyObject;
}

/** Milliseconds since the Unix epoch. */
export interface Period {
  readonly notBefore: number;
  readonly notAfter: number;
}

/**
 * Exactly one day, from a whole hour on that is at least one hour ago, for clients whose clocks are behind. The time of
 * issue is not in it.
 */
export function oneDay(clock: Clock): Period {
  const notBefore = (Math.floor(clock.wall() / HOUR) - 1) * HOUR;
  return { notBefore, notAfter: notBefore + DAY };
}

/** A certificate (PEM) that OpenVPN, TLS and IKEv2 clients accept: strongSwan, Windows and Apple ask for SAN and EKU. */
export async function issueServerCertificate(
  deps: { readonly clock: Clock; readonly random: Random },
  authority: Authority,
  subject: ServerSubject,
  period: Period = wholeDays(deps.clock, SERVER_DAYS),
): Promise<string> {
  const publicKey = publicKeyInfo(subject.key);
  const der = await signCertificate(
    {
      serial: randomSerial(deps.random),
      issuer: authority.name,
      subject: { commonName: subject.name },
      ...period,
      publicKey,
      extensions: [
        endEntityConstraints(),
        subject.key.asymmetricKeyType === 'rsa'
          ? keyUsage('digitalSignature', 'keyEncipherment')
          : keyUsage('digitalSignature'),
        extendedKeyUsage('serverAuth', 'ikeIntermediate'),
        subjectAltName([subject.name], subject.addresses),
        subjectKeyIdentifier(keyIdentifier(publicKey)),
        authorityKeyIdentifier(keyIdentifier(authority.publicKey)),
      ],
    },
    authority.signer,
  );
  return pem('CERTIFICATE', der);
}

/** 127 random bits: positive, and at most 20 bytes as RFC 5280 §4.1.2.2 asks. */
function randomSerial(random: Random): Uint8Array {
  const serial = random.bytes(16);
  serial[0] = ((serial[0] as number) & 0x7f) | 0x40;
  return serial;
}

function wholeDays(clock: Clock, days: number): Period {
  const start = (today(clock) - 1) * DAY;
  return { notBefore: start, notAfter: start + days * DAY };
}
