// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHash } from 'node:crypto';
import {
  bitString,
  type Der,
  explicit,
  implicit,
  integer,
  joined,
  nothing,
  octetString,
  oid,
  sequence,
  set,
} from './der.ts';
import type { Signer } from './x509.ts';

/*
 * The signature of an EFI program ("Windows Authenticode Portable Executable Signature Format"): PKCS#7 SignedData
 * (RFC 2315) over SpcIndirectDataContent, which holds the program's hash. Without a signing time, so that the same key
 * gives the same bytes for the same program.
 */

const OID = {
  signedData: '1.2.840.113549.1.7.2',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  indirectData: '1.3.6.1.4.1.311.2.1.4',
  peImageData: '1.3.6.1.4.1.311.2.1.15',
  sha256: '2.16.840.1.101.3.4.2.1',
  rsa: '1.2.840.113549.1.1.1',
} as const;

const SHA256 = sequence(oid(OID.sha256), nothing());

/** DER of a SignedData; `hash` is {@link authenticodeSha256} of the program, `certificate` that of the signer's key. */
export async function signAuthenticode(hash: Uint8Array, certificate: Der, signer: Signer): Promise<Der> {
  const indirect = [sequence(oid(OID.peImageData), peImageData()), sequence(SHA256, octetString(hash))];
  const digest = createHash('sha256').update(joined(indirect)).digest();
  const attributes = set(
    sequence(oid(OID.contentType), set(oid(OID.indirectData))),
    sequence(oid(OID.messageDigest), set(octetString(digest))),
  );
  const { issuer, serial } = issuerAndSerial(certificate);
  const signerInfo = sequence(
    integer(1),
    sequence(issuer, serial),
    SHA256,
    // The signature covers the attributes as a SET (RFC 2315 §9.3); here they stand under an implicit tag.
    joined([Uint8Array.of(0xa0), attributes.subarray(1)]),
    sequence(oid(OID.rsa), nothing()),
    octetString(await signer.sign(attributes)),
  );
  const signedData = sequence(
    integer(1),
    set(SHA256),
    sequence(oid(OID.indirectData), explicit(0, sequence(...indirect))),
    explicit(0, certificate),
    set(signerInfo),
  );
  return sequence(oid(OID.signedData), explicit(0, signedData));
}

/** SpcPeImageData: no flags, and the file name that every signer writes. */
function peImageData(): Der {
  const obsolete = Buffer.from('<<<Obsolete>>>', 'utf16le').swap16();
  return sequence(bitString(new Uint8Array(0)), explicit(0, explicit(2, implicit(0, obsolete))));
}

/** The two elements of a certificate that name it, taken as they stand (RFC 5280 §4.1). */
function issuerAndSerial(certificate: Der): { issuer: Der; serial: Der } {
  const body = elementAt(certificate, elementAt(certificate, 0).content);
  const version = elementAt(certificate, body.content);
  const serial = elementAt(certificate, version.end);
  const algorithm = elementAt(certificate, serial.end);
  const issuer = elementAt(certificate, algorithm.end);
  return {
    serial: certificate.subarray(version.end, serial.end),
    issuer: certificate.subarray(algorithm.end, issuer.end),
  };
}

/** Where an element's content begins and where it ends. The certificate is our own and well formed. */
function elementAt(der: Der, at: number): { content: number; end: number } {
  const first = der[at + 1] as number;
  if (first < 0x80) return { content: at + 2, end: at + 2 + first };
  const digits = der.subarray(at + 2, at + 2 + (first & 0x7f));
  const length = digits.reduce((sum, digit) => sum * 256 + digit, 0);
  const content = at + 2 + digits.length;
  return { content, end: content + length };
}
