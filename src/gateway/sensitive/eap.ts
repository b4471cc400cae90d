// SPDX-License-Identifier: AGPL-3.0-or-later
import { lastOf, word } from '../../bytes/text/scan.ts';

/** EAP (RFC 3748 §4) with EAP-MSCHAPv2 (draft-kamath-pppext-eap-mschapv2-02) inside, read and written in place. */

const CODE = { request: 1, response: 2, success: 3, failure: 4 } as const;
const TYPE = { identity: 1, mschapv2: 26 } as const;
const OPERATION = { challenge: 1, response: 2, success: 3, failure: 4 } as const;
const HEADER = 5;
const RESPONSE_VALUE = 49;
const BACKSLASH = 0x5c;

/** Why a login is refused, as the customer's program shows it. */
export type LoginRefusal = 'credentials' | 'expired' | 'seats' | 'full';

/**
 * RFC 2759 §6: 691 is a failed login, 647 a disabled account, 649 no permission. R=0: do not ask for a retry.
 * strongSwan shows the message up to its first space, so it has none.
 */
const FAILURES: Readonly<Record<LoginRefusal, Uint8Array>> = {
  credentials: word('E=691 R=0 C=00000000000000000000000000000000 V=3 M=wrong-username-or-password'),
  expired: word('E=647 R=0 C=00000000000000000000000000000000 V=3 M=licence-expired'),
  seats: word('E=649 R=0 C=00000000000000000000000000000000 V=3 M=all-connections-of-this-licence-are-in-use'),
  full: word('E=649 R=0 C=00000000000000000000000000000000 V=3 M=gateway-full'),
};
const SERVER_NAME = word('lethe');
const WELCOME = word('S=0000000000000000000000000000000000000000 M=Welcome.');

/** What the client said. */
export type EapMessage = 'identity' | 'response' | 'agreed' | 'other';

/** Positions in the EAP packet that was read last. */
export class EapReader {
  identifier = 0;
  /** The name of an identity, or the name in a response, without a domain before a backslash. */
  nameStart = 0;
  nameEnd = 0;
  peerChallenge = 0;
  ntResponse = 0;

  /** `other` is anything that this server does not understand, junk too. */
  read(packet: Uint8Array, received: number): EapMessage {
    if (received < HEADER || packet[0] !== CODE.response) return 'other';
    const length = ((packet[2] as number) << 8) | (packet[3] as number);
    if (length < HEADER || length > received) return 'other';
    this.identifier = packet[1] as number;
    if (packet[4] === TYPE.identity) {
      this.nameStart = HEADER;
      this.nameEnd = length;
      return 'identity';
    }
    if (packet[4] !== TYPE.mschapv2 || length < HEADER + 1) return 'other';
    if (packet[5] === OPERATION.success) return 'agreed';
    return packet[5] === OPERATION.response && this.#response(packet, length) ? 'response' : 'other';
  }

  #response(packet: Uint8Array, length: number): boolean {
    const value = HEADER + 5;
    if (length < value + RESPONSE_VALUE || packet[value - 1] !== RESPONSE_VALUE) return false;
    this.peerChallenge = value;
    this.ntResponse = value + 24;
    const name = value + RESPONSE_VALUE;
    const backslash = lastOf(packet, name, length, BACKSLASH);
    this.nameStart = backslash < 0 ? name : backslash + 1;
    this.nameEnd = length;
    return true;
  }
}

/** The server's packets. One buffer for all of them; nothing in it is secret. */
export class EapWriter {
  readonly bytes = new Uint8Array(new ArrayBuffer(192));
  length = 0;

  challenge(identifier: number, challenge: Uint8Array): void {
    const { bytes } = this;
    this.#operation(identifier, OPERATION.challenge, 17 + SERVER_NAME.length);
    bytes[9] = 16;
    bytes.set(challenge, 10);
    bytes.set(SERVER_NAME, 26);
  }

  /** Gives where the 40 hex digits of the authenticator response belong. */
  welcome(identifier: number): number {
    this.#operation(identifier, OPERATION.success, WELCOME.length);
    this.bytes.set(WELCOME, 9);
    return 11;
  }

  failure(identifier: number, refusal: LoginRefusal): void {
    const message = FAILURES[refusal];
    this.#operation(identifier, OPERATION.failure, message.length);
    this.bytes.set(message, 9);
  }

  /** The last word: EAP-Success or EAP-Failure. */
  verdict(identifier: number, success: boolean): void {
    this.bytes[0] = success ? CODE.success : CODE.failure;
    this.bytes[1] = identifier;
    this.bytes[2] = 0;
    this.bytes[3] = 4;
    this.length = 4;
  }

  #operation(identifier: number, operation: number, content: number): void {
    const { bytes } = this;
    const length = HEADER + 4 + content;
    bytes[0] = CODE.request;
    bytes[1] = identifier;
    bytes[2] = length >>> 8;
    bytes[3] = length & 0xff;
    bytes[4] = TYPE.mschapv2;
    bytes[5] = operation;
    bytes[6] = identifier;
    bytes[7] = (length - HEADER) >>> 8;
    bytes[8] = (length - HEADER) & 0xff;
    this.length = length;
  }
}
