// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHash, createPublicKey, type KeyObject, sign } from 'node:crypto';

/**
 * Signatures that `minisign -V` accepts: Ed25519 over BLAKE2b-512 of the message ("ED", prehashed), and a second one
 * over the first and the trusted comment (https://jedisct1.github.io/minisign/, "Signature format").
 */
export interface MinisignKey {
  readonly privateKey: KeyObject;
  /** 8 bytes that name the key. */
  readonly id: Uint8Array;
  /** The last line of a minisign.pub file; `minisign -V -P` takes it. */
  readonly publicKey: string;
}

const RAW_KEY = 32;

/** Takes an Ed25519 private key. The key's name is derived from the public key, so it is always the same. */
export function minisignKey(privateKey: KeyObject): MinisignKey {
  const info = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const raw = info.subarray(info.length - RAW_KEY);
  const id = createHash('sha256').update(raw).digest().subarray(0, 8);
  return { privateKey, id, publicKey: Buffer.concat([Buffer.from('Ed'), id, raw]).toString('base64') };
}

/** The whole text of a `.minisig` file. The trusted comment is signed; it must be one line. */
export function minisignature(key: MinisignKey, message: Uint8Array, trustedComment: string): string {
  if (/[\r\n]/.test(trustedComment)) throw new RangeError('a trusted comment is one line');
  const signature = sign(null, createHash('blake2b512').update(message).digest(), key.privateKey);
  const global = sign(null, Buffer.concat([signature, Buffer.from(trustedComment)]), key.privateKey);
  return [
    'untrusted comment: signature of the service',
    Buffer.concat([Buffer.from('ED'), key.id, signature]).toString('base64'),
    `trusted comment: ${trustedComment}`,
    global.toString('base64'),
    '',
  ].join('\n');
}
