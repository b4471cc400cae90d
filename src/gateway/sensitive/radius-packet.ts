// SPDX-License-Identifier: AGPL-3.0-or-later
import { uint32At } from '../../bytes/formats/reader.ts';
import { HmacMd5, md5Finish, md5Update } from '../../bytes/hashes/md5.ts';
import { secretStandsAt } from '../../bytes/text/scan.ts';

/** Codes of RFC 2865 §3 and RFC 2866 §3. */
export const CODE = {
  accessRequest: 1,
  accessAccept: 2,
  accessReject: 3,
  accountingRequest: 4,
  accountingResponse: 5,
  accessChallenge: 11,
} as const;

/** Attributes of RFC 2865 §5, RFC 3579 §3, RFC 6911 §3.1, and the two keys of RFC 2548 §2.4. */
export const ATTRIBUTE = {
  userName: 1,
  userPassword: 2,
  nasPort: 5,
  framedAddress4: 8,
  state: 24,
  vendor: 26,
  callingStation: 31,
  eapMessage: 79,
  messageAuthenticator: 80,
  framedAddress6: 168,
  msSendKey: 16,
  msReceiveKey: 17,
} as const;

export const MAX_RADIUS_PACKET = 4096;
/** More than MS-CHAPv2 ever needs; a longer EAP packet is junk. */
export const MAX_EAP_PACKET = 1024;
const HEADER = 20;
const AUTHENTICATOR = 16;

/** Why a packet is dropped without a reply (RFC 2865 §3). */
export type Junk = 'length' | 'code' | 'attribute' | 'unsigned' | 'forged';

const zeros = new Uint8Array(new ArrayBuffer(AUTHENTICATOR));
const ours = new Uint8Array(new ArrayBuffer(AUTHENTICATOR));

/** A loop, because for so few bytes `fill` costs more than it clears. */
function wipeOurs(): void {
  for (let i = 0; i < AUTHENTICATOR; i += 1) ours[i] = 0;
}

/**
 * One received packet, read in place. There is one instance for all packets: it holds positions, and the EAP
 * packet put together from its fragments, and {@link wipe} wipes both. The packet may come from anybody.
 */
export class RadiusPacket {
  bytes: Uint8Array = new Uint8Array(0);
  code = 0;
  identifier = 0;
  length = 0;
  /** -1 without a NAS-Port: charon puts the unique number of its IKE_SA there. */
  nasPort = -1;
  // Bounds of a value; both are 0 without the attribute.
  userStart = 0;
  userEnd = 0;
  passwordStart = 0;
  passwordEnd = 0;
  stateStart = 0;
  stateEnd = 0;
  callingStart = 0;
  callingEnd = 0;
  readonly eap = new Uint8Array(new ArrayBuffer(MAX_EAP_PACKET));
  eapLength = 0;
  readonly #secret: Uint8Array;
  readonly #mac: HmacMd5;
  #signature = 0;

  constructor(secret: Uint8Array) {
    this.#secret = secret;
    this.#mac = new HmacMd5(secret);
  }

  /** Reads and verifies the first `received` bytes. Anything but `ok` is to be met with silence. */
  read(bytes: Uint8Array, received: number): 'ok' | Junk {
    if (received < HEADER) return 'length';
    this.bytes = bytes;
    this.code = bytes[0] as number;
    this.identifier = bytes[1] as number;
    this.length = ((bytes[2] as number) << 8) | (bytes[3] as number);
    if (this.length < HEADER || this.length > received || this.length > MAX_RADIUS_PACKET) return 'length';
    if (this.code !== CODE.accessRequest && this.code !== CODE.accountingRequest) return 'code';
    if (!this.#attributes()) return 'attribute';
    return this.code === CODE.accessRequest ? this.#verifyAccess() : this.#verifyAccounting();
  }

  wipe(): void {
    if (this.eapLength > 0) this.eap.fill(0, 0, this.eapLength);
    this.bytes = zeros;
    this.nasPort = -1;
    this.userStart = 0;
    this.userEnd = 0;
    this.passwordStart = 0;
    this.passwordEnd = 0;
    this.stateStart = 0;
    this.stateEnd = 0;
    this.callingStart = 0;
    this.callingEnd = 0;
    this.eapLength = 0;
    this.#signature = 0;
  }

  /**
   * Uncovers User-Password in place (RFC 2865 §5.2) and sets `passwordEnd` before its padding. Each block's mask
   * comes from the covered block before it, so the last one is first.
   */
  uncoverPassword(): void {
    const { bytes, passwordStart } = this;
    for (let block = this.passwordEnd - 16; block >= passwordStart; block -= 16) {
      const before = block === passwordStart ? 4 : block - 16;
      md5Update(this.#secret, 0, this.#secret.length);
      md5Update(bytes, before, before + 16);
      md5Finish(ours, 0);
      for (let i = 0; i < 16; i += 1) bytes[block + i] = (bytes[block + i] as number) ^ (ours[i] as number);
    }
    wipeOurs();
    while (this.passwordEnd > passwordStart && bytes[this.passwordEnd - 1] === 0) this.passwordEnd -= 1;
  }

  #attributes(): boolean {
    const { bytes, length } = this;
    let at = HEADER;
    while (at < length) {
      const size = at + 1 < length ? (bytes[at + 1] as number) : 0;
      if (size < 2 || at + size > length) return false;
      if (!this.#attribute(bytes[at] as number, at + 2, at + size)) return false;
      at += size;
    }
    return true;
  }

  /** False for a value whose length its attribute does not allow, and for a second one where there can be only one. */
  #attribute(type: number, start: number, end: number): boolean {
    switch (type) {
      case ATTRIBUTE.userName: {
        const first = this.userStart === 0;
        this.userStart = start;
        this.userEnd = end;
        return first;
      }
      case ATTRIBUTE.userPassword: {
        const first = this.passwordStart === 0;
        this.passwordStart = start;
        this.passwordEnd = end;
        return first && end - start >= 16 && end - start <= 128 && (end - start) % 16 === 0;
      }
      case ATTRIBUTE.nasPort:
        if (end - start !== 4) return false;
        this.nasPort = uint32At(this.bytes, start);
        return true;
      case ATTRIBUTE.state:
        this.stateStart = start;
        this.stateEnd = end;
        return true;
      case ATTRIBUTE.callingStation:
        this.callingStart = start;
        this.callingEnd = end;
        return true;
      case ATTRIBUTE.eapMessage:
        return this.#fragment(start, end);
      case ATTRIBUTE.messageAuthenticator: {
        const first = this.#signature === 0;
        this.#signature = start;
        return first && end - start === AUTHENTICATOR;
      }
      default:
        return true;
    }
  }

  /** RFC 3579 §3.1: fragments in their order make one EAP packet. */
  #fragment(start: number, end: number): boolean {
    if (this.eapLength + end - start > MAX_EAP_PACKET) return false;
    for (let i = start; i < end; i += 1) this.eap[this.eapLength + i - start] = this.bytes[i] as number;
    this.eapLength += end - start;
    return true;
  }

  /** RFC 3579 §3.2, and RFC 5080 §2.2.2: every request must be signed, whether it carries EAP or not. */
  #verifyAccess(): 'ok' | Junk {
    const at = this.#signature;
    if (at === 0) return 'unsigned';
    this.#mac.begin();
    md5Update(this.bytes, 0, at);
    md5Update(zeros, 0, AUTHENTICATOR);
    md5Update(this.bytes, at + AUTHENTICATOR, this.length);
    this.#mac.finish(ours, 0);
    return this.#isOurs(at);
  }

  /** RFC 2866 §3. */
  #verifyAccounting(): 'ok' | Junk {
    md5Update(this.bytes, 0, 4);
    md5Update(zeros, 0, AUTHENTICATOR);
    md5Update(this.bytes, HEADER, this.length);
    md5Update(this.#secret, 0, this.#secret.length);
    md5Finish(ours, 0);
    return this.#isOurs(4);
  }

  /** Whether the authenticator at `at` is the one that was computed. */
  #isOurs(at: number): 'ok' | Junk {
    const sound = secretStandsAt(this.bytes, at, ours);
    wipeOurs();
    return sound ? 'ok' : 'forged';
  }
}
