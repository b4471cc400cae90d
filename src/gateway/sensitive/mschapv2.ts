// SPDX-License-Identifier: AGPL-3.0-or-later

import { Md4 } from '../../bytes/hashes/md4.ts';
import { Sha1 } from '../../bytes/hashes/sha1.ts';
import { secretStandsAt, word } from '../../bytes/text/scan.ts';
import { desEncrypt } from './des.ts';

/** MS-CHAPv2 as the server computes it (RFC 2759), and the keys that follow from it (RFC 3079). In place, wiped. */

const MAGIC1 = word('Magic server to client signing constant');
const MAGIC2 = word('Pad to make it do more than one iteration');
const MASTER = word('This is the MPPE Master Key');
const SERVER_SEND = word('On the client side, this is the receive key; on the server side, it is the send key.');
const SERVER_RECEIVE = word('On the client side, this is the send key; on the server side, it is the receive key.');
const PAD1 = new Uint8Array(new ArrayBuffer(40));
const PAD2 = new Uint8Array(new ArrayBuffer(40)).fill(0xf2);

const sha1 = new Sha1();
const md4 = new Md4();
const digest = new Uint8Array(new ArrayBuffer(20));
const padded = new Uint8Array(new ArrayBuffer(21));
const hashOfHash = new Uint8Array(new ArrayBuffer(16));
const expected = new Uint8Array(new ArrayBuffer(24));

/** The places of a response's parts in one buffer. */
export interface ChapResponse {
  readonly bytes: Uint8Array;
  /** 16 bytes that the client chose. */
  readonly peerChallenge: number;
  /** 24 bytes that prove the password. */
  readonly ntResponse: number;
  /** The name as the client put it into the hash, without a domain. */
  readonly nameStart: number;
  readonly nameEnd: number;
}

/** RFC 2759 §8.2. Writes 8 bytes. */
export function challengeHash(response: ChapResponse, serverChallenge: Uint8Array, out: Uint8Array): void {
  const { bytes, peerChallenge, nameStart, nameEnd } = response;
  sha1.update(bytes, peerChallenge, peerChallenge + 16);
  sha1.update(serverChallenge, 0, 16);
  sha1.update(bytes, nameStart, nameEnd);
  sha1.finish(digest);
  for (let i = 0; i < 8; i += 1) out[i] = digest[i] as number;
  digest.fill(0);
}

/** RFC 2759 §8.5. Writes 24 bytes. */
export function challengeResponse(ntHash: Uint8Array, challenge: Uint8Array, out: Uint8Array): void {
  padded.fill(0);
  padded.set(ntHash);
  for (let part = 0; part < 3; part += 1) desEncrypt(padded, part * 7, challenge, 0, out, part * 8);
  padded.fill(0);
}

/** Whether the response proves the password. Takes the same time wherever it differs. */
export function responseMatches(response: ChapResponse, ntHash: Uint8Array, challenge: Uint8Array): boolean {
  challengeResponse(ntHash, challenge, expected);
  const right = secretStandsAt(response.bytes, response.ntResponse, expected);
  expected.fill(0);
  return right;
}

/** Begins a digest with the hash of the hash and the response, as both of the following do. */
function beginWithProof(ntHash: Uint8Array, response: Pick<ChapResponse, 'bytes' | 'ntResponse'>): void {
  md4.update(ntHash, 0, 16);
  md4.finish(hashOfHash);
  sha1.update(hashOfHash);
  sha1.update(response.bytes, response.ntResponse, response.ntResponse + 24);
  hashOfHash.fill(0);
}

const HEX = word('0123456789ABCDEF');

/** RFC 2759 §8.7: the proof that the server knows the password too, as 40 hex digits at `at`. */
export function authenticatorResponse(
  response: ChapResponse,
  ntHash: Uint8Array,
  challenge: Uint8Array,
  out: Uint8Array,
  at: number,
): void {
  beginWithProof(ntHash, response);
  sha1.update(MAGIC1);
  sha1.finish(digest);
  sha1.update(digest);
  sha1.update(challenge, 0, 8);
  sha1.update(MAGIC2);
  sha1.finish(digest);
  for (let i = 0; i < 20; i += 1) {
    const byte = digest[i] as number;
    out[at + 2 * i] = HEX[byte >>> 4] as number;
    out[at + 2 * i + 1] = HEX[byte & 15] as number;
  }
  digest.fill(0);
}

/** RFC 3079 §3.4: the master key, 16 bytes at `at`. */
export function masterKey(
  ntHash: Uint8Array,
  response: Pick<ChapResponse, 'bytes' | 'ntResponse'>,
  out: Uint8Array,
  at: number,
): void {
  beginWithProof(ntHash, response);
  sha1.update(MASTER);
  sha1.finish(digest);
  for (let i = 0; i < 16; i += 1) out[at + i] = digest[i] as number;
  digest.fill(0);
}

/** RFC 3079 §3.4: the server's 128-bit start key in one direction, 16 bytes at `at`. */
export function startKey(
  master: Uint8Array,
  masterStart: number,
  direction: 'send' | 'receive',
  out: Uint8Array,
  at: number,
): void {
  sha1.update(master, masterStart, masterStart + 16);
  sha1.update(PAD1);
  sha1.update(direction === 'send' ? SERVER_SEND : SERVER_RECEIVE);
  sha1.update(PAD2);
  sha1.finish(digest);
  for (let i = 0; i < 16; i += 1) out[at + i] = digest[i] as number;
  digest.fill(0);
}
