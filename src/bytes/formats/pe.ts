// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHash } from 'node:crypto';

/*
 * EFI programs: PE32+ (Microsoft, "PE Format") with an Authenticode signature ("Windows Authenticode Portable
 * Executable Signature Format"), as firmware, sbsign and pesign read them.
 *
 *   headers     up to SizeOfHeaders; hold a checksum and the directory entry that says where the signature is
 *   sections    one after the other, without gaps: whatever a hash leaves out could be changed unseen
 *   certificate table    WIN_CERTIFICATE entries up to the end of the file; absent in an unsigned program
 *
 * The file may come from anybody: every offset is checked against its length before it is followed.
 */

export interface PeSection {
  readonly name: string;
  /** Where the section is in memory, in bytes from the beginning of the image. */
  readonly virtualAddress: number;
  /** Bytes that count; the rest of the section in the file is padding. */
  readonly virtualSize: number;
  readonly fileOffset: number;
  readonly fileSize: number;
}

export interface Pe {
  /** Whole file, as given. */
  readonly bytes: Uint8Array;
  readonly machine: number;
  /** TimeDateStamp: seconds since the Unix epoch. */
  readonly timestamp: number;
  readonly checksum: number;
  readonly sectionAlignment: number;
  /** Bytes of headers; the first section begins there. */
  readonly headers: number;
  /** In the order of the section table. */
  readonly sections: readonly PeSection[];
  /** The certificate table: it reaches to the end of the file. */
  readonly signature: { readonly offset: number; readonly size: number } | undefined;
  /** The places of the two fields that a signature does not cover. */
  readonly checksumAt: number;
  readonly directoryAt: number;
}

export interface PeProblem {
  readonly problem: 'not a program' | 'truncated' | 'sections' | 'certificate table';
}

const PE32_PLUS = 0x20b;
const SECTION_HEADER = 40;
/** Index of the certificate table among the data directories, and how many there must be for it to exist. */
const CERTIFICATES = 4;
/** WIN_CERTIFICATE: dwLength, wRevision 2.0, wCertificateType PKCS#7 SignedData. */
const CERTIFICATE_HEADER = 8;
const REVISION_2 = 0x0200;
const PKCS7 = 0x0002;
/** The table begins at, and its entries are padded to, a multiple of this. */
const ALIGNMENT = 8;

const ASCII = new TextDecoder('latin1');

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const aligned = (size: number) => Math.ceil(size / ALIGNMENT) * ALIGNMENT;

/** Reads the headers of a PE32+ program. */
export function parsePe(file: Uint8Array): Pe | PeProblem {
  // A Buffer's slice() would share its bytes.
  const bytes = new Uint8Array(file.buffer, file.byteOffset, file.byteLength);
  const view = viewOf(bytes);
  if (bytes.length < 0x40 || view.getUint16(0, true) !== 0x5a4d) return { problem: 'not a program' };
  const coff = view.getUint32(0x3c, true);
  const optional = coff + 24;
  // Up to and including the directory entry of the certificate table.
  if (optional + 112 + (CERTIFICATES + 1) * 8 > bytes.length) return { problem: 'truncated' };
  if (view.getUint32(coff, true) !== 0x4550 || view.getUint16(optional, true) !== PE32_PLUS)
    return { problem: 'not a program' };
  const optionalSize = view.getUint16(coff + 20, true);
  if (view.getUint32(optional + 108, true) <= CERTIFICATES || optionalSize < 112 + (CERTIFICATES + 1) * 8)
    return { problem: 'not a program' };
  const table = optional + optionalSize;
  const count = view.getUint16(coff + 6, true);
  const headers = view.getUint32(optional + 60, true);
  if (table + count * SECTION_HEADER > headers || headers > bytes.length) return { problem: 'truncated' };
  const directoryAt = optional + 112 + CERTIFICATES * 8;
  const signature = tableOf(view, directoryAt, headers);
  if (signature !== undefined && 'problem' in signature) return signature;
  const sections = Array.from({ length: count }, (_, index) => sectionOf(bytes, table + index * SECTION_HEADER));
  if (!isGapless(sections, headers, signature?.offset ?? bytes.length)) return { problem: 'sections' };
  return {
    bytes,
    machine: view.getUint16(coff + 4, true),
    timestamp: view.getUint32(coff + 8, true),
    checksum: view.getUint32(optional + 64, true),
    sectionAlignment: view.getUint32(optional + 32, true),
    headers,
    sections,
    signature,
    checksumAt: optional + 64,
    directoryAt,
  };
}

function tableOf(view: DataView, directoryAt: number, headers: number): Pe['signature'] | PeProblem {
  const offset = view.getUint32(directoryAt, true);
  const size = view.getUint32(directoryAt + 4, true);
  if (size === 0) return offset === 0 ? undefined : { problem: 'certificate table' };
  const fits = offset >= headers && offset % ALIGNMENT === 0 && offset + size === view.byteLength;
  return fits && size >= CERTIFICATE_HEADER ? { offset, size } : { problem: 'certificate table' };
}

function sectionOf(bytes: Uint8Array, at: number): PeSection {
  const view = viewOf(bytes);
  return {
    name: ASCII.decode(bytes.subarray(at, at + 8)).replace(/\0.*$/s, ''),
    virtualSize: view.getUint32(at + 8, true),
    virtualAddress: view.getUint32(at + 12, true),
    fileSize: view.getUint32(at + 16, true),
    fileOffset: view.getUint32(at + 20, true),
  };
}

/** Firmware hashes section after section. Only without gaps and overlaps is that the whole file. */
function isGapless(sections: readonly PeSection[], headers: number, end: number): boolean {
  let at = headers;
  for (const section of sections.toSorted((a, b) => a.fileOffset - b.fileOffset)) {
    if (section.fileSize === 0) continue;
    if (section.fileOffset !== at) return false;
    at += section.fileSize;
  }
  return at <= end;
}

/** What the section holds in memory, without the padding of the file; undefined when there is no such section. */
export function sectionContent(pe: Pe, name: string): Uint8Array | undefined {
  const section = pe.sections.find((candidate) => candidate.name === name);
  if (section === undefined) return undefined;
  const size = Math.min(section.virtualSize, section.fileSize);
  return pe.bytes.subarray(section.fileOffset, section.fileOffset + size);
}

/**
 * The hash that signature, dbx and PCR 4 speak of: everything but checksum, directory entry and certificate table. An
 * unsigned file is hashed with the zeros that signing would add, so the hash stays the same when it is signed.
 */
export function authenticodeSha256(pe: Pe): Uint8Array {
  const { bytes, checksumAt, directoryAt } = pe;
  const end = pe.signature?.offset ?? bytes.length;
  return createHash('sha256')
    .update(bytes.subarray(0, checksumAt))
    .update(bytes.subarray(checksumAt + 4, directoryAt))
    .update(bytes.subarray(directoryAt + 8, end))
    .update(new Uint8Array(aligned(end) - end))
    .digest();
}

/**
 * The signed program: byte for byte what `sbattach --attach` and `sbsign` write. `pkcs7` is a DER SignedData. Throws a
 * RangeError when the program is signed already.
 */
export function attachSignature(pe: Pe, pkcs7: Uint8Array): Uint8Array {
  if (pe.signature !== undefined) throw new RangeError('the program is signed already');
  const offset = aligned(pe.bytes.length);
  const size = aligned(CERTIFICATE_HEADER + pkcs7.length);
  const signed = new Uint8Array(offset + size);
  signed.set(pe.bytes);
  signed.set(pkcs7, offset + CERTIFICATE_HEADER);
  const view = viewOf(signed);
  view.setUint32(offset, CERTIFICATE_HEADER + pkcs7.length, true);
  view.setUint16(offset + 4, REVISION_2, true);
  view.setUint16(offset + 6, PKCS7, true);
  view.setUint32(pe.directoryAt, offset, true);
  view.setUint32(pe.directoryAt + 4, size, true);
  view.setUint32(pe.checksumAt, checksumOf(signed, pe.checksumAt), true);
  return signed;
}

/** The signatures of a program (PKCS#7 SignedData, DER), first to last; none of an unsigned one. */
export function signaturesOf(pe: Pe): readonly Uint8Array[] | PeProblem {
  const found: Uint8Array[] = [];
  const view = viewOf(pe.bytes);
  let at = pe.signature?.offset ?? pe.bytes.length;
  while (at < pe.bytes.length) {
    if (at + CERTIFICATE_HEADER > pe.bytes.length) return { problem: 'certificate table' };
    const length = view.getUint32(at, true);
    const isPkcs7 = view.getUint16(at + 4, true) === REVISION_2 && view.getUint16(at + 6, true) === PKCS7;
    if (!isPkcs7 || length <= CERTIFICATE_HEADER || at + length > pe.bytes.length)
      return { problem: 'certificate table' };
    found.push(pe.bytes.slice(at + CERTIFICATE_HEADER, at + length));
    at += aligned(length);
  }
  return found;
}

/** The program without signature, checksum 0. Padding that signing added stays. */
export function withoutSignature(pe: Pe): Uint8Array {
  const bytes = pe.bytes.slice(0, pe.signature?.offset ?? pe.bytes.length);
  bytes.fill(0, pe.directoryAt, pe.directoryAt + 8);
  bytes.fill(0, pe.checksumAt, pe.checksumAt + 4);
  return bytes;
}

/** Sum of all 16-bit words but the checksum itself, carries folded in, plus the file's length. */
function checksumOf(bytes: Uint8Array, checksumAt: number): number {
  const view = viewOf(bytes);
  let sum = 0;
  for (let at = 0; at + 1 < bytes.length; at += 2) {
    if (at === checksumAt || at === checksumAt + 2) continue;
    sum += view.getUint16(at, true);
    if (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  }
  return (sum + bytes.length) >>> 0;
}
