// SPDX-License-Identifier: AGPL-3.0-or-later
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type KeyObject,
} from 'node:crypto';
import { joined } from './der.ts';
import { bigEndian } from './reader.ts';

/*
 * Hybrid Public Key Encryption (RFC 9180), base mode, one message: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-GCM.
 * Any holder of the public key can seal; the message says nothing about who did.
 */

/** RFC 9180 §7.3. The house seals with 256 bits; 128 is here because the RFC's own vectors are for it. */
export type Aead = 'aes-128-gcm' | 'aes-256-gcm';

const AEAD: Readonly<Record<Aead, { id: number; keyLength: number }>> = {
  'aes-128-gcm': { id: 1, keyLength: 16 },
  'aes-256-gcm': { id: 2, keyLength: 32 },
};

const KEM_ID = 0x0020;
const KDF_ID = 0x0001;
const KEY = 32;
const NONCE = 12;
const TAG = 16;
const NOTHING = new Uint8Array(0);
const TEXT = new TextEncoder();
/** What comes before the raw key in PKCS #8 and SubjectPublicKeyInfo (RFC 8410 §4, §7). */
const PKCS8 = Uint8Array.fromHex('302e020100300506032b656e04220420');
const SPKI = Uint8Array.fromHex('302a300506032b656e032100');

/** What the two sides agree on besides the key. */
export interface Context {
  /** What the message is for. */
  readonly info: Uint8Array;
  /** What must be the same on both sides, and is not sent. */
  readonly aad: Uint8Array;
}

/** `encapsulated key || ciphertext || tag`. `ephemeral` is 32 random bytes, for this message alone. */
export function seal(
  recipient: Uint8Array,
  plaintext: Uint8Array,
  { info, aad }: Context,
  ephemeral: Uint8Array,
  aead: Aead = 'aes-256-gcm',
): Uint8Array {
  const key = x25519PrivateKey(ephemeral);
  const encapsulated = x25519PublicBytes(key);
  const shared = diffieHellman({ privateKey: key, publicKey: x25519PublicKey(recipient) });
  const schedule = scheduleOf(shared, joined([encapsulated, recipient]), info, aead);
  const cipher = createCipheriv(aead, schedule.key, schedule.nonce).setAAD(aad);
  return joined([encapsulated, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** The message, or undefined when it was sealed to another key, for something else, or was changed. */
export function open(
  privateKey: Uint8Array,
  sealed: Uint8Array,
  { info, aad }: Context,
  aead: Aead = 'aes-256-gcm',
): Uint8Array | undefined {
  if (sealed.length < KEY + TAG) return undefined;
  const encapsulated = sealed.subarray(0, KEY);
  const own = x25519PrivateKey(privateKey);
  try {
    // RFC 9180 §7.1.4: an all-zero shared secret is refused; node:crypto throws on it.
    const shared = diffieHellman({ privateKey: own, publicKey: x25519PublicKey(encapsulated) });
    const schedule = scheduleOf(shared, joined([encapsulated, x25519PublicBytes(own)]), info, aead);
    const decipher = createDecipheriv(aead, schedule.key, schedule.nonce).setAAD(aad);
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG));
    return joined([decipher.update(sealed.subarray(KEY, sealed.length - TAG)), decipher.final()]);
  } catch {
    return undefined;
  }
}

/** RFC 9180 §4.1 (ExtractAndExpand) and §5.1 (KeySchedule) in base mode. */
function scheduleOf(shared: Uint8Array, kemContext: Uint8Array, info: Uint8Array, aead: Aead) {
  const { id, keyLength } = AEAD[aead];
  const kem = joined([TEXT.encode('KEM'), bigEndian(KEM_ID, 2)]);
  const suite = joined([TEXT.encode('HPKE'), bigEndian(KEM_ID, 2), bigEndian(KDF_ID, 2), bigEndian(id, 2)]);
  const secretOfKem = labeledExpand(
    kem,
    labeledExtract(kem, NOTHING, 'eae_prk', shared),
    'shared_secret',
    kemContext,
    KEY,
  );
  const context = joined([
    Uint8Array.of(0),
    labeledExtract(suite, NOTHING, 'psk_id_hash', NOTHING),
    labeledExtract(suite, NOTHING, 'info_hash', info),
  ]);
  const secret = labeledExtract(suite, secretOfKem, 'secret', NOTHING);
  return {
    key: labeledExpand(suite, secret, 'key', context, keyLength),
    nonce: labeledExpand(suite, secret, 'base_nonce', context, NONCE),
  };
}

function labeledExtract(suite: Uint8Array, salt: Uint8Array, label: string, material: Uint8Array): Uint8Array {
  return hmac(salt, TEXT.encode('HPKE-v1'), suite, TEXT.encode(label), material);
}

/** HKDF-Expand (RFC 5869 §2.3); nothing here is longer than one round's 32 bytes. */
function labeledExpand(
  suite: Uint8Array,
  secret: Uint8Array,
  label: string,
  info: Uint8Array,
  length: number,
): Uint8Array {
  const labeled = [bigEndian(length, 2), TEXT.encode('HPKE-v1'), suite, TEXT.encode(label), info];
  return hmac(secret, ...labeled, Uint8Array.of(1)).subarray(0, length);
}

function hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const mac = createHmac('sha256', key);
  for (const part of parts) mac.update(part);
  return new Uint8Array(mac.digest());
}

/** 32 raw bytes as a private key. */
export function x25519PrivateKey(bytes: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.from(joined([PKCS8, bytes])), format: 'der', type: 'pkcs8' });
}

function x25519PublicKey(bytes: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.from(joined([SPKI, bytes])), format: 'der', type: 'spki' });
}

/** The 32 raw bytes of the public half. */
export function x25519PublicBytes(key: KeyObject): Uint8Array {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }).subarray(SPKI.length));
}
