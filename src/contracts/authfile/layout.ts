// SPDX-License-Identifier: AGPL-3.0-or-later

/*
 * The sealed auth file. Numbers are big endian, so that the order of the bytes is the order of the keys.
 *
 *   header, 160 bytes
 *      0   8  magic "LetheAF\n"
 *      8   4  layout, 1
 *     12   8  version: greater with each file of a service
 *     20  14  salt of the service's credentials
 *     34   2  zero
 *     36   4  number of logins, L
 *     40   4  number of peers, P
 *     44  32  SHA-256 of the body
 *     76  20  zero
 *     96  64  Ed25519 signature over DOMAIN and bytes 0 to 95
 *   body
 *     L x 32  login   verifier 16 · entitlement 16                                 ascending by verifier
 *     L x 36  name    key 16 · NT hash 16 · index of its login 4                   ascending by key
 *     P x 52  peer    public key 32 · entitlement 16 · host 4                      ascending by public key
 *
 *   entitlement, 16 bytes: licence 5 · last day 2 · seats 1 · usage tag 8
 *
 * Keys are unique within their table. The signature covers the body through its digest, so that a file can be judged
 * before it has been read whole, and the digest can be taken while it arrives.
 */

export const HEADER = 160;
export const LOGIN = 32;
export const NAME = 36;
export const PEER = 52;
export const ENTITLEMENT = 16;
/** Bytes of a verifier and of a name's key. */
export const KEY = 16;
export const PUBLIC_KEY = 32;
export const NT_HASH = 16;
/** With it, salt, username, separator and password of 14 + 20 + 1 + 20 bytes fill one block of SHA-256 and no more. */
export const SALT = 14;

const MAGIC = Uint8Array.of(0x4c, 0x65, 0x74, 0x68, 0x65, 0x41, 0x46, 0x0a);
const LAYOUT = 1;
const DOMAIN = new TextEncoder().encode('lethe auth file v1\n');
const DIGEST = 32;
const SIGNED = 96;
const SIGNATURE = 64;

export interface Header {
  readonly version: number;
  /** 14 bytes. */
  readonly salt: Uint8Array;
  readonly logins: number;
  readonly peers: number;
  /** SHA-256 of the body, 32 bytes. */
  readonly digest: Uint8Array;
}

export function bodyLength(logins: number, peers: number): number {
  return logins * (LOGIN + NAME) + peers * PEER;
}

/** Writes everything but the signature. */
export function writeHeader(file: Uint8Array, header: Header): void {
  const view = new DataView(file.buffer, file.byteOffset, HEADER);
  file.set(MAGIC);
  view.setUint32(8, LAYOUT);
  view.setBigUint64(12, BigInt(header.version));
  file.set(header.salt, 20);
  view.setUint32(36, header.logins);
  view.setUint32(40, header.peers);
  file.set(header.digest, 44);
}

/** The header of a hostile file, or why it is none. Fields are views into the file. */
export function readHeader(file: Uint8Array): Header | 'truncated' | 'format' {
  if (MAGIC.some((byte, at) => at < file.length && file[at] !== byte)) return 'format';
  if (file.length < HEADER) return 'truncated';
  const view = new DataView(file.buffer, file.byteOffset, HEADER);
  const version = view.getUint32(12) * 2 ** 32 + view.getUint32(16);
  const reserved = view.getUint16(34) !== 0 || file.subarray(76, SIGNED).some((byte) => byte !== 0);
  if (view.getUint32(8) !== LAYOUT || reserved || !Number.isSafeInteger(version)) return 'format';
  return {
    version,
    salt: file.subarray(20, 20 + SALT),
    logins: view.getUint32(36),
    peers: view.getUint32(40),
    digest: file.subarray(44, 44 + DIGEST),
  };
}

/** What the signature is over. */
export function signedPart(file: Uint8Array): Uint8Array {
  const message = new Uint8Array(DOMAIN.length + SIGNED);
  message.set(DOMAIN);
  message.set(file.subarray(0, SIGNED), DOMAIN.length);
  return message;
}

/** The part of the file that holds the signature. */
export function signaturePart(file: Uint8Array): Uint8Array {
  return file.subarray(SIGNED, SIGNED + SIGNATURE);
}
