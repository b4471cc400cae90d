// SPDX-License-Identifier: AGPL-3.0-or-later
import { dotted, type Element, element, elements, TAG } from './der-reader.ts';

/** What a stranger's X.509 certificate (RFC 5280) claims, as far as we rely on it. No signature was looked at yet. */
export interface CertificateClaims {
  /** SubjectPublicKeyInfo */
  readonly publicKey: Uint8Array;
  /** Object identifiers of all critical extensions. */
  readonly critical: readonly string[];
  readonly authority: boolean;
  /** How many authorities may follow; undefined where that is not limited. */
  readonly pathLength: number | undefined;
  /** Bits of KeyUsage from the first on; undefined where any use is allowed. */
  readonly usages: ReadonlySet<number> | undefined;
  /** Object identifiers of ExtendedKeyUsage. */
  readonly purposes: readonly string[];
}

/** RFC 5280 §4.2.1 */
export const EXTENSION = {
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
} as const;

export const USAGE = { keyEncipherment: 2, keyCertSign: 5 } as const;

interface Extension {
  readonly critical: boolean;
  readonly value: Uint8Array;
}

/** Reads a certificate in DER. Undefined when it is not one, is of version 1 or 2, or has an extension twice. */
export function parseCertificate(der: Uint8Array): CertificateClaims | undefined {
  const [body, , , ...more] = childrenOf(element(der, TAG.sequence)) ?? [];
  if (body?.tag !== TAG.sequence || more.length > 0) return undefined;
  const fields = childrenOf(body);
  // version, serial, algorithm, issuer, validity, subject, public key; extensions are the last.
  const key = fields?.[6];
  const last = fields?.at(-1);
  if (fields?.[0]?.tag !== TAG.explicit || key?.tag !== TAG.sequence || last?.tag !== TAG.explicit + 3)
    return undefined;
  const extensions = extensionsOf(last);
  return extensions === undefined ? undefined : claimsOf(key.whole, extensions);
}

function childrenOf(parent: Element | undefined): readonly Element[] | undefined {
  return parent === undefined ? undefined : elements(parent.content);
}

function extensionsOf(field: Element): ReadonlyMap<string, Extension> | undefined {
  const list = childrenOf(element(field.content, TAG.sequence));
  if (list === undefined) return undefined;
  const extensions = new Map<string, Extension>();
  for (const entry of list) {
    const parts = entry.tag === TAG.sequence ? childrenOf(entry) : undefined;
    const [id, flag, value] = parts?.length === 2 ? [parts[0], undefined, parts[1]] : (parts ?? []);
    const name = id?.tag === TAG.oid ? dotted(id.content) : undefined;
    if (name === undefined || extensions.has(name) || value?.tag !== TAG.octetString) return undefined;
    if (flag !== undefined && (flag.tag !== TAG.boolean || flag.content.length !== 1)) return undefined;
    extensions.set(name, { critical: (flag?.content[0] ?? 0) !== 0, value: value.content });
  }
  return extensions;
}

function claimsOf(publicKey: Uint8Array, extensions: ReadonlyMap<string, Extension>): CertificateClaims | undefined {
  const value = (id: string) => extensions.get(id)?.value;
  const constraints = constraintsOf(value(EXTENSION.basicConstraints));
  const usages = usagesOf(value(EXTENSION.keyUsage));
  const purposes = purposesOf(value(EXTENSION.extendedKeyUsage));
  if (constraints === undefined || usages === 'format' || purposes === undefined) return undefined;
  const critical = [...extensions].filter(([, extension]) => extension.critical).map(([id]) => id);
  return { publicKey, critical, ...constraints, usages, purposes };
}

function constraintsOf(
  value: Uint8Array | undefined,
): { readonly authority: boolean; readonly pathLength: number | undefined } | undefined {
  if (value === undefined) return { authority: false, pathLength: undefined };
  const parts = childrenOf(element(value, TAG.sequence));
  if (parts === undefined) return undefined;
  const flag = parts[0]?.tag === TAG.boolean ? parts[0] : undefined;
  const [length, ...more] = flag === undefined ? parts : parts.slice(1);
  if (more.length > 0 || (length !== undefined && (length.tag !== TAG.integer || length.content.length !== 1)))
    return undefined;
  return { authority: (flag?.content[0] ?? 0) !== 0, pathLength: length?.content[0] };
}

function usagesOf(value: Uint8Array | undefined): ReadonlySet<number> | undefined | 'format' {
  if (value === undefined) return undefined;
  const bits = element(value, TAG.bitString)?.content;
  if (bits === undefined || bits.length < 1 || bits.length > 3) return 'format';
  const usages = new Set<number>();
  for (let bit = 0; bit < (bits.length - 1) * 8; bit += 1) {
    if (((bits[1 + (bit >> 3)] as number) & (0x80 >> (bit & 7))) !== 0) usages.add(bit);
  }
  return usages;
}

function purposesOf(value: Uint8Array | undefined): readonly string[] | undefined {
  if (value === undefined) return [];
  const purposes = childrenOf(element(value, TAG.sequence))?.map((part) => dotted(part.content));
  return purposes?.every((purpose) => purpose !== undefined) === true ? purposes : undefined;
}
