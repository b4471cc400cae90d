// SPDX-License-Identifier: AGPL-3.0-or-later
import { joined } from './der.ts';

/*
 * Secure Boot data of the UEFI Specification 2.10: GUIDs (appendix A), signature lists (§32.4.1) and the form in which
 * firmware measures a variable into PCR 7 (TCG PC Client Platform Firmware Profile, UEFI_VARIABLE_DATA).
 */

/** Lower-case text, `8be4df61-93ca-11d2-aa0d-00e098032b8c`. */
export type Guid = string & { readonly __unit: 'GUID' };

export const GUID = {
  globalVariable: '8be4df61-93ca-11d2-aa0d-00e098032b8c' as Guid,
  /** Of `db` and `dbx`. */
  imageSecurity: 'd719b2cb-3d3a-4596-a3bc-dad00e67656f' as Guid,
  x509: 'a5c059a1-94e4-4aa7-87b5-ab155c2bf072' as Guid,
  sha256: 'c1c41626-504c-4092-aca9-41f936934328' as Guid,
} as const;

const GUID_TEXT = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/;
const GUID_BYTES = 16;

/** Undefined for anything that is not a GUID written in lower case. */
export function parseGuid(text: string): Guid | undefined {
  return GUID_TEXT.test(text) ? (text as Guid) : undefined;
}

/** The first three fields are little-endian numbers, the rest are bytes. */
export function guidBytes(guid: Guid): Uint8Array {
  const [a, b, c, d, e] = guid.split('-').map((part) => Uint8Array.fromHex(part)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  return joined([a.toReversed(), b.toReversed(), c.toReversed(), d, e]);
}

/** The inverse of {@link guidBytes}; takes the 16 bytes from `at`. */
export function guidAt(bytes: Uint8Array, at: number): Guid {
  const part = (from: number, to: number) => bytes.subarray(at + from, at + to);
  const number = (from: number, to: number) => part(from, to).toReversed().toHex();
  const fields = [number(0, 4), number(4, 6), number(6, 8), part(8, 10).toHex(), part(10, 16).toHex()];
  return fields.join('-') as Guid;
}

/** One entry of `PK`, `KEK`, `db` or `dbx`. */
export interface Signature {
  /** `x509`: a certificate in DER. `sha256`: an Authenticode hash. */
  readonly type: 'x509' | 'sha256';
  /** Who put it there: any GUID, the operator's own. */
  readonly owner: Guid;
  readonly data: Uint8Array;
}

const LIST_HEADER = GUID_BYTES + 12;

/** One EFI_SIGNATURE_LIST per certificate; all hashes that follow each other share one. Nothing gives no bytes. */
export function signatureLists(signatures: readonly Signature[]): Uint8Array {
  const lists: Uint8Array[] = [];
  for (let at = 0; at < signatures.length; ) {
    const { type } = signatures[at] as Signature;
    let end = at + 1;
    if (type === 'sha256') while (signatures[end]?.type === 'sha256') end += 1;
    lists.push(listOf(type, signatures.slice(at, end)));
    at = end;
  }
  return joined(lists);
}

function listOf(type: Signature['type'], entries: readonly Signature[]): Uint8Array {
  const size = GUID_BYTES + (entries[0] as Signature).data.length;
  const header = new Uint8Array(LIST_HEADER);
  const view = new DataView(header.buffer);
  header.set(guidBytes(GUID[type]));
  view.setUint32(GUID_BYTES, LIST_HEADER + size * entries.length, true);
  view.setUint32(GUID_BYTES + 8, size, true);
  return joined([header, ...entries.flatMap((entry) => [guidBytes(entry.owner), entry.data])]);
}

/** Reads signature lists. Undefined when they are cut, or hold a type other than certificates and SHA-256. */
export function parseSignatureLists(bytes: Uint8Array): readonly Signature[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: Signature[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + LIST_HEADER > bytes.length) return undefined;
    const kind = guidAt(bytes, at);
    const type = kind === GUID.x509 ? 'x509' : kind === GUID.sha256 ? 'sha256' : undefined;
    const listSize = view.getUint32(at + GUID_BYTES, true);
    const size = view.getUint32(at + GUID_BYTES + 8, true);
    const plain = view.getUint32(at + GUID_BYTES + 4, true) === 0;
    const fits = listSize >= LIST_HEADER && at + listSize <= bytes.length && (listSize - LIST_HEADER) % size === 0;
    if (type === undefined || !plain || size <= GUID_BYTES || !fits) return undefined;
    if (type === 'sha256' && size !== GUID_BYTES + 32) return undefined;
    for (let entry = at + LIST_HEADER; entry < at + listSize; entry += size) {
      found.push({
        type,
        owner: guidAt(bytes, entry),
        data: new Uint8Array(bytes.subarray(entry + GUID_BYTES, entry + size)),
      });
    }
    at += listSize;
  }
  return found;
}

/** The contents of the four variables that decide what may boot. Firmware measures an absent one as no bytes. */
export interface SecureBootVariables {
  readonly PK: Uint8Array;
  readonly KEK: Uint8Array;
  readonly db: Uint8Array;
  readonly dbx: Uint8Array;
}

/** UEFI_VARIABLE_DATA: what firmware hashes into PCR 7 for a variable, or for the `db` entry that let a program boot. */
export function measuredVariable(vendor: Guid, name: string, data: Uint8Array): Uint8Array {
  const lengths = new Uint8Array(16);
  const view = new DataView(lengths.buffer);
  view.setBigUint64(0, BigInt(name.length), true);
  view.setBigUint64(8, BigInt(data.length), true);
  return joined([guidBytes(vendor), lengths, utf16(name), data]);
}

/** Little-endian, without a final zero. */
export function utf16(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'utf16le'));
}
