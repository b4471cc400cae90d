// SPDX-License-Identifier: AGPL-3.0-or-later
import { type KeyObject, X509Certificate } from 'node:crypto';
import { type CertificateClaims, EXTENSION, parseCertificate, USAGE } from '../../bytes/formats/certificate.ts';
import { sha256 } from '../../bytes/formats/fingerprint.ts';
import { MAXIMUM } from './evidence.ts';
import { type AttestationRefused, refused } from './refusal.ts';

/** A TPM's own key, which its maker vouches for. */
export interface EndorsementKey {
  /** SHA-256 of the certificate: how an operator enrols it. */
  readonly certificate: Uint8Array;
  /** SHA-256 of the SubjectPublicKeyInfo: the key itself, whatever certificates there are for it. */
  readonly identity: Uint8Array;
  readonly key: KeyObject;
}

/** Makers of TPMs that are trusted. */
export interface TpmTrust {
  readonly roots: readonly X509Certificate[];
  /** Authorities below the roots. They are not trusted for themselves. */
  readonly intermediates: readonly X509Certificate[];
}

/** tcg-kp-EKCertificate (TCG EK Credential Profile §3.2.16). */
const EK_PURPOSE = '2.23.133.8.1';
/** Critical extensions that are understood here; with any other, RFC 5280 §4.2 has the certificate refused. */
const UNDERSTOOD: ReadonlySet<string> = new Set(Object.values(EXTENSION));
const LONGEST_CHAIN = 5;

/** Judges the certificate of an endorsement key (DER) at a time in milliseconds since the Unix epoch. */
export function judgeEndorsement(der: Uint8Array, trust: TpmTrust, now: number): EndorsementKey | AttestationRefused {
  const claims = der.length > MAXIMUM.certificate ? undefined : parseCertificate(der);
  if (claims === undefined || claims.authority || !isEndorsement(claims)) return refused('ek_certificate');
  const certificate = readable(der);
  if (certificate === undefined || !isDefaultKind(certificate.publicKey)) return refused('ek_certificate');
  if (!isChained(certificate, trust, now, 0)) return refused('ek_chain');
  return {
    certificate: sha256(der),
    identity: sha256(claims.publicKey),
    key: certificate.publicKey,
  };
}

function isEndorsement({ critical, usages, purposes }: CertificateClaims): boolean {
  return (
    purposes.includes(EK_PURPOSE) &&
    (usages === undefined || usages.has(USAGE.keyEncipherment)) &&
    critical.every((extension) => UNDERSTOOD.has(extension))
  );
}

function readable(der: Uint8Array): X509Certificate | undefined {
  try {
    const certificate = new X509Certificate(der);
    // Reading the key is what fails for keys that make no sense.
    return certificate.publicKey.type === 'public' ? certificate : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the default RSA template makes such keys (TCG EK Credential Profile 2.5, template L-1). */
function isDefaultKind(key: KeyObject): boolean {
  const { modulusLength, publicExponent } = key.asymmetricKeyDetails ?? {};
  return key.asymmetricKeyType === 'rsa' && modulusLength === 2048 && publicExponent === 65_537n;
}

/** Whether a chain leads from the certificate to a root. `below` counts the authorities already passed. */
function isChained(certificate: X509Certificate, trust: TpmTrust, now: number, below: number): boolean {
  if (!isCurrent(certificate, now) || below >= LONGEST_CHAIN) return false;
  const signedBy = (issuer: X509Certificate) => mayIssue(issuer, below) && isIssuedBy(certificate, issuer);
  if (trust.roots.some((root) => isCurrent(root, now) && signedBy(root))) return true;
  return trust.intermediates.some((issuer) => signedBy(issuer) && isChained(issuer, trust, now, below + 1));
}

function isCurrent(certificate: X509Certificate, now: number): boolean {
  return certificate.validFromDate.getTime() <= now && now <= certificate.validToDate.getTime();
}

function mayIssue(issuer: X509Certificate, below: number): boolean {
  const claims = parseCertificate(new Uint8Array(issuer.raw));
  return (
    claims?.authority === true &&
    (claims.pathLength === undefined || claims.pathLength >= below) &&
    (claims.usages === undefined || claims.usages.has(USAGE.keyCertSign)) &&
    claims.critical.every((extension) => UNDERSTOOD.has(extension))
  );
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}
