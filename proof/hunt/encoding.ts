// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHash, createHmac } from 'node:crypto';

/** The ways in which a program may write a value down. Each is searched for every marker that can take it. */
export const ENCODINGS = [
  'ascii',
  'utf-16le',
  'utf-16be',
  'hex',
  'base64',
  'base64url',
  'percent',
  'json-escape',
  'reversed',
  'binary-be',
  'binary-le',
  'decimal',
  'v4-mapped',
  'arpa',
  'address-port',
  'dns-wire',
  'epoch',
  'epoch-binary',
  'iso-8601',
  'rfc-2822',
  'sha-256',
  'sha-1',
  'md5',
  'salted-digest',
] as const;
export type Encoding = (typeof ENCODINGS)[number];

/**
 * One encoded form. A byte of data matches when `(byte & mask) === bytes`; without a mask all bits count. The bits of
 * `bytes` outside the mask are 0.
 */
export interface Encoded {
  readonly encoding: Encoding;
  readonly bytes: Uint8Array;
  readonly mask?: Uint8Array;
  /** Too likely to occur by chance in a gigabyte of memory; looked for in files, databases, outputs and traffic only. */
  readonly storesOnly?: boolean;
}

/** The same forms, looked for in stores only. */
export function inStores(forms: readonly Encoded[]): Encoded[] {
  return forms.map((form) => Object.assign({ storesOnly: true }, form));
}

export function ascii(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}

function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

/** Matches the bytes in any mixture of upper and lower case, as a resolver sends names that it hardens (0x20). */
export function anyCase(encoding: Encoding, bytes: Uint8Array): Encoded {
  const mask = bytes.map((byte) => (isLetter(byte) ? 0xdf : 0xff));
  return { encoding, bytes: bytes.map((byte, index) => byte & (mask[index] as number)), mask };
}

function utf16(bytes: Uint8Array, order: 'le' | 'be'): Uint8Array {
  const wide = new Uint8Array(bytes.length * 2);
  for (const [index, byte] of bytes.entries()) wide[index * 2 + (order === 'be' ? 1 : 0)] = byte;
  return wide;
}

/** Hexadecimal text: run together, with colons, and with spaces. */
export function hexForms(bytes: Uint8Array): Encoded[] {
  const pairs = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'));
  return ['', ':', ' '].map((separator) => anyCase('hex', ascii(pairs.join(separator))));
}

/**
 * The characters of base64 that the bytes alone decide, with 0, 1 or 2 unknown bytes before them in their group of
 * three; so the value is found anywhere inside a longer encoded text.
 */
export function base64Forms(bytes: Uint8Array): Encoded[] {
  const forms: Encoded[] = [];
  for (const before of [0, 1, 2]) {
    const text = Buffer.concat([new Uint8Array(before), bytes]).toString('base64');
    const decided = text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
    forms.push({ encoding: 'base64', bytes: ascii(decided) });
    const url = decided.replaceAll('+', '-').replaceAll('/', '_');
    if (url !== decided) forms.push({ encoding: 'base64url', bytes: ascii(url) });
  }
  return forms;
}

const SHORTEST_DIGEST = 8;

function digestText(encoding: Encoding, digest: Uint8Array): Encoded[] {
  const kept = digest.subarray(0, SHORTEST_DIGEST);
  const [hex] = hexForms(kept);
  const [base64] = base64Forms(kept);
  const url = { encoding, bytes: ascii(Buffer.from(digest).toString('base64url').slice(0, 10)) };
  return [{ encoding, bytes: kept }, { ...(hex as Encoded), encoding }, { ...(base64 as Encoded), encoding }, url];
}

const DIGESTS = { 'sha-256': 'sha256', 'sha-1': 'sha1', md5: 'md5' } as const;

/**
 * Digests of the value, binary and as text, recognised by their first eight bytes so that a shortened digest is found
 * as well. With each salt: salt before, salt after, salt and a zero byte before, and as the key of an HMAC.
 */
export function digestForms(value: Uint8Array, salts: readonly Uint8Array[]): Encoded[] {
  const forms: Encoded[] = [];
  for (const encoding of ['sha-256', 'sha-1', 'md5'] as const) {
    const algorithm = DIGESTS[encoding];
    forms.push(...digestText(encoding, createHash(algorithm).update(value).digest()));
    for (const salt of salts) {
      const salted = [
        createHash(algorithm).update(salt).update(value).digest(),
        createHash(algorithm).update(value).update(salt).digest(),
        createHash(algorithm).update(salt).update(new Uint8Array(1)).update(value).digest(),
        createHmac(algorithm, salt).update(value).digest(),
      ];
      forms.push(...salted.flatMap((digest) => digestText('salted-digest', digest)));
    }
  }
  return forms;
}

/** Every way to write a value that a program handles as text. */
export function textForms(text: string, salts: readonly Uint8Array[]): Encoded[] {
  const bytes = ascii(text);
  const cases = [...new Set([text, text.toLowerCase()])].map(ascii);
  const each = (format: (byte: number) => string) => ascii(Array.from(bytes, format).join(''));
  const hexByte = (byte: number) => byte.toString(16).padStart(2, '0');
  return [
    anyCase('ascii', bytes),
    anyCase('utf-16le', utf16(bytes, 'le')),
    anyCase('utf-16be', utf16(bytes, 'be')),
    anyCase(
      'percent',
      each((byte) => `%${hexByte(byte)}`),
    ),
    anyCase(
      'json-escape',
      each((byte) => `\\u00${hexByte(byte)}`),
    ),
    anyCase('reversed', bytes.toReversed()),
    ...cases.flatMap(hexForms),
    ...cases.flatMap(base64Forms),
    ...cases.flatMap((value) => digestForms(value, salts)),
  ];
}

/** Labels with their lengths, as in a DNS message (RFC 1035, section 3.1), without the root. */
export function dnsWire(name: string): Uint8Array {
  return ascii(
    name
      .split('.')
      .map((label) => String.fromCharCode(label.length) + label)
      .join(''),
  );
}

/** An integer in eight bytes or four, most significant byte first. */
export function bigEndian(value: bigint, length: 4 | 8): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return new Uint8Array(bytes.subarray(8 - length));
}
