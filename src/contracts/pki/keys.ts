// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHash, createPublicKey, generateKeyPair, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { armored } from '../../bytes/formats/der.ts';
import type { Signer } from '../../bytes/formats/x509.ts';
import type { Random } from '../../core/random/random.ts';

const generate = promisify(generateKeyPair);
const signAsync = promisify(
  (message: Uint8Array, key: KeyObject, done: (error: Error | null, signature: Uint8Array) => void) =>
    sign('sha256', message, key, done),
);

/** 4096 bits, as wherever the service uses RSA. Takes seconds; off the main thread. */
export async function generateRsaKey(): Promise<KeyObject> {
  const { privateKey } = await generate('rsa', { modulusLength: 4096 });
  return privateKey;
}

/** For control's own HTTPS, where every peer is ours. */
export async function generateP256Key(): Promise<KeyObject> {
  const { privateKey } = await generate('ec', { namedCurve: 'prime256v1' });
  return privateKey;
}

/** Signs with a key in this process. A key on a token is another implementation of the same interface. */
export function signerOf(key: KeyObject): Signer {
  return {
    algorithm: key.asymmetricKeyType === 'rsa' ? 'rsa-sha256' : 'ecdsa-sha256',
    sign: (message) => signAsync(message, key),
  };
}

/** SubjectPublicKeyInfo of a private key's public half, or of a public key. */
export function publicKeyInfo(key: KeyObject): Uint8Array {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return publicKey.export({ type: 'spki', format: 'der' });
}

/** RFC 7093 §2 method 4, cut to 160 bits: the SHA-256 of the SubjectPublicKeyInfo. */
export function keyIdentifier(info: Uint8Array): Uint8Array {
  return createHash('sha256').update(info).digest().subarray(0, 20);
}

export function privateKeyPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' });
}

/** OpenVPN's static key file, for tls-crypt: 256 random bytes. */
export function openvpnStaticKey(random: Random): string {
  return armored('OpenVPN Static key V1', random.bytes(256).toHex(), 32);
}

/** OpenVPN's `auth-gen-token-secret` file: 128 random bytes. */
export function openvpnAuthTokenKey(random: Random): string {
  return armored('OpenVPN auth-token server key', random.bytes(128).toBase64(), 64);
}

export interface WireguardKeys {
  /** Base64, as `wg` reads it. */
  readonly privateKey: string;
  readonly publicKey: string;
}

export async function generateWireguardKeys(): Promise<WireguardKeys> {
  const { privateKey } = await generate('x25519');
  const { d, x } = privateKey.export({ format: 'jwk' }) as { d: string; x: string };
  return { privateKey: paddedBase64(d), publicKey: paddedBase64(x) };
}

function paddedBase64(url: string): string {
  return Uint8Array.fromBase64(url, { alphabet: 'base64url' }).toBase64();
}
