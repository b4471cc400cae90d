// SPDX-License-Identifier: AGPL-3.0-or-later
import { HmacMd5, md5Finish, md5Update } from '../../bytes/hashes/md5.ts';
import { ATTRIBUTE, CODE } from './radius-packet.ts';

/** The longest reply: an Access-Accept with two addresses and two keys takes 198 bytes, a challenge less. */
export const MAX_RADIUS_REPLY = 384;
const HEADER = 20;
const LONGEST_FRAGMENT = 253;
/** RFC 2548: Microsoft's number. */
const MICROSOFT = 311;

const mask = new Uint8Array(new ArrayBuffer(16));

/** Builds one reply at a time in `bytes`. Its user wipes them; an Access-Accept holds (covered) keys. */
export class RadiusReply {
  readonly bytes = new Uint8Array(new ArrayBuffer(MAX_RADIUS_REPLY));
  length = 0;
  readonly #secret: Uint8Array;
  readonly #mac: HmacMd5;

  constructor(secret: Uint8Array) {
    this.#secret = secret;
    this.#mac = new HmacMd5(secret);
  }

  /** The request's authenticator is in the header until {@link seal} puts the response's there. */
  begin(code: number, request: Uint8Array): void {
    this.bytes[0] = code;
    this.bytes[1] = request[1] as number;
    for (let i = 4; i < HEADER; i += 1) this.bytes[i] = request[i] as number;
    this.length = HEADER;
    if (code === CODE.accountingResponse) return;
    this.bytes[HEADER] = ATTRIBUTE.messageAuthenticator;
    this.bytes[HEADER + 1] = 18;
    for (let i = HEADER + 2; i < HEADER + 18; i += 1) this.bytes[i] = 0;
    this.length = HEADER + 18;
  }

  attribute(type: number, value: Uint8Array, start: number, end: number): void {
    this.bytes[this.length] = type;
    this.bytes[this.length + 1] = end - start + 2;
    this.length += 2;
    for (let i = start; i < end; i += 1, this.length += 1) this.bytes[this.length] = value[i] as number;
  }

  /** RFC 3579 §3.1 */
  eap(packet: Uint8Array, length: number): void {
    for (let start = 0; start < length; start += LONGEST_FRAGMENT) {
      this.attribute(ATTRIBUTE.eapMessage, packet, start, Math.min(length, start + LONGEST_FRAGMENT));
    }
  }

  /**
   * A 16-byte key, covered as RFC 2548 §2.4.2 says. The salt must differ within one packet and have its highest bit set.
   */
  key(type: number, salt: number, key: Uint8Array, start: number): void {
    const { bytes } = this;
    const at = this.length;
    const plain = at + 10;
    bytes[at] = ATTRIBUTE.vendor;
    bytes[at + 1] = 42;
    bytes[at + 2] = 0;
    bytes[at + 3] = 0;
    bytes[at + 4] = MICROSOFT >>> 8;
    bytes[at + 5] = MICROSOFT & 0xff;
    bytes[at + 6] = type;
    bytes[at + 7] = 36;
    bytes[at + 8] = 0x80 | (salt >>> 8);
    bytes[at + 9] = salt & 0xff;
    bytes.fill(0, plain, plain + 32);
    bytes[plain] = 16;
    for (let i = 0; i < 16; i += 1) bytes[plain + 1 + i] = key[start + i] as number;
    this.#cover(plain, at + 8);
    this.length = plain + 32;
  }

  /** Signs the reply: Message-Authenticator first, then the response authenticator of RFC 2865 §3. */
  seal(): void {
    const { bytes, length } = this;
    bytes[2] = length >>> 8;
    bytes[3] = length & 0xff;
    if (bytes[0] !== CODE.accountingResponse) {
      this.#mac.begin();
      md5Update(bytes, 0, length);
      this.#mac.finish(bytes, HEADER + 2);
    }
    md5Update(bytes, 0, length);
    md5Update(this.#secret, 0, this.#secret.length);
    md5Finish(bytes, 4);
  }

  #cover(plain: number, salt: number): void {
    const { bytes } = this;
    for (let block = plain; block < plain + 32; block += 16) {
      md5Update(this.#secret, 0, this.#secret.length);
      if (block === plain) {
        md5Update(bytes, 4, HEADER);
        md5Update(bytes, salt, salt + 2);
      } else {
        md5Update(bytes, block - 16, block);
      }
      md5Finish(mask, 0);
      for (let i = 0; i < 16; i += 1) bytes[block + i] = (bytes[block + i] as number) ^ (mask[i] as number);
    }
    mask.fill(0);
  }
}
