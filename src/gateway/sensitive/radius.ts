// SPDX-License-Identifier: AGPL-3.0-or-later

import { parseAddress } from '../../bytes/text/address.ts';
import { fieldEnd } from '../../bytes/text/scan.ts';
import type { AuthFile, AuthSource } from '../../contracts/authfile/authfile.ts';
import { type Clock, today } from '../../core/clock/clock.ts';
import type { Entitlement } from '../../core/licences/licence.ts';
import type { Random } from '../../core/random/random.ts';
import type { Origin } from '../../core/sessions/session.ts';
import type { OriginLookup } from '../geoip/origin.ts';
import { type Conversation, Conversations } from './conversations.ts';
import { EapReader, EapWriter, type LoginRefusal } from './eap.ts';
import {
  authenticatorResponse,
  type ChapResponse,
  challengeHash,
  masterKey,
  responseMatches,
  startKey,
} from './mschapv2.ts';
import { ATTRIBUTE, CODE, RadiusPacket } from './radius-packet.ts';
import { RadiusReply } from './radius-reply.ts';

const BRACKET = 0x5b;

/** Whom a proved login asks for a seat. It learns numbers, never a name or an address. */
export interface Gate {
  /** `ikeSa` is charon's number of the IKE_SA. Gives the number of the inner addresses, or why not. */
  admit(ikeSa: number, entitlement: Entitlement, origin: Origin): number | Exclude<LoginRefusal, 'credentials'>;
  /** Writes the inner addresses of a host: 4 and 16 bytes. */
  addresses(host: number, four: Uint8Array, six: Uint8Array): void;
}

export interface RadiusParts {
  readonly auth: AuthSource;
  readonly gate: Gate;
  readonly origin: OriginLookup;
  readonly clock: Clock;
  readonly random: Random;
  /** Shared with charon; see `tunnels/ikev2/secret.ts`. */
  readonly secret: Uint8Array;
  /** Logins on their way at once. */
  readonly places?: number;
}

/**
 * The RADIUS server that charon asks: EAP-MSCHAPv2 for IKEv2 customers, PAP (RFC 2865 §5.2) for those who only want to
 * know whether a username and a password are right. Packets in, packets out; the socket is elsewhere.
 */
export class RadiusServer {
  readonly reply: RadiusReply;
  readonly #parts: RadiusParts;
  readonly #packet: RadiusPacket;
  readonly #conversations: Conversations;
  readonly #reader = new EapReader();
  readonly #writer = new EapWriter();
  readonly #challenge = new Uint8Array(new ArrayBuffer(8));
  readonly #key = new Uint8Array(new ArrayBuffer(16));
  readonly #address = new Uint8Array(new ArrayBuffer(16));
  readonly #four = new Uint8Array(new ArrayBuffer(4));

  constructor(parts: RadiusParts) {
    this.#parts = parts;
    this.reply = new RadiusReply(parts.secret);
    this.#packet = new RadiusPacket(parts.secret);
    this.#conversations = new Conversations(parts.places ?? 4096, parts.random);
  }

  /** Logins on their way. */
  get pending(): number {
    return this.#conversations.taken;
  }

  /** Answers a packet in `reply.bytes` and gives the answer's length; 0 is silence. Changes and then wipes `bytes`. */
  answer(bytes: Uint8Array, received: number): number {
    try {
      if (this.#packet.read(bytes, received) !== 'ok') return 0;
      return this.#packet.code === CODE.accessRequest ? this.#access() : this.#finish(CODE.accountingResponse);
    } finally {
      this.#packet.wipe();
      bytes.fill(0);
    }
  }

  /** Wipes logins that were abandoned. To be called every few seconds. */
  expire(): void {
    this.#conversations.expire(this.#parts.clock.elapsed());
  }

  #access(): number {
    // Without an auth file no login can be judged, and silence keeps charon asking.
    const auth = this.#parts.auth.current;
    if (auth === undefined) return 0;
    if (this.#packet.eapLength > 0) return this.#eap(auth);
    return this.#packet.passwordStart > 0 ? this.#pap(auth) : this.#finish(CODE.accessReject);
  }

  #pap(auth: AuthFile): number {
    const packet = this.#packet;
    packet.uncoverPassword();
    const { bytes, userStart, userEnd, passwordStart, passwordEnd } = packet;
    const entitlement = auth.login(bytes, userStart, userEnd, passwordStart, passwordEnd);
    const valid = entitlement !== undefined && entitlement.expiresOn >= today(this.#parts.clock);
    return this.#finish(valid ? CODE.accessAccept : CODE.accessReject);
  }

  #eap(auth: AuthFile): number {
    const packet = this.#packet;
    const message = this.#reader.read(packet.eap, packet.eapLength);
    if (packet.stateStart === 0 && message === 'identity') return this.#greet(auth);
    const conversation = this.#conversations.find(packet.bytes, packet.stateStart, packet.stateEnd);
    if (conversation === undefined) return this.#verdict(undefined, CODE.accessReject);
    if (conversation.repeats(packet.bytes)) return this.#repeat(conversation);
    if (this.#reader.identifier === conversation.identifier) {
      if (conversation.stage === 'challenged' && message === 'response') return this.#judge(conversation);
      if (conversation.stage === 'proved' && message === 'agreed') return this.#accept(conversation);
    }
    return this.#verdict(conversation, CODE.accessReject);
  }

  /** An unknown name is challenged like any other, so that asking does not tell who is a customer. */
  #greet(auth: AuthFile): number {
    const packet = this.#packet;
    const before = this.#conversations.begunBy(packet.bytes);
    if (before !== undefined) return this.#repeat(before);
    const conversation = this.#conversations.open(this.#parts.clock.elapsed());
    if (conversation === undefined) return 0;
    const entry = auth.name(packet.eap, this.#reader.nameStart, this.#reader.nameEnd);
    conversation.stage = 'challenged';
    conversation.entitlement = entry?.entitlement;
    if (entry !== undefined) conversation.ntHash.set(entry.ntHash);
    conversation.identifier = (this.#reader.identifier + 1) & 0xff;
    this.#writer.challenge(conversation.identifier, conversation.challenge);
    return this.#goOn(conversation);
  }

  #judge(conversation: Conversation): number {
    const { eap } = this.#packet;
    const { peerChallenge, ntResponse, nameStart, nameEnd } = this.#reader;
    const response: ChapResponse = { bytes: eap, peerChallenge, ntResponse, nameStart, nameEnd };
    challengeHash(response, conversation.challenge, this.#challenge);
    const right = responseMatches(response, conversation.ntHash, this.#challenge);
    const admitted = right ? this.#admit(conversation) : 'credentials';
    conversation.identifier = (conversation.identifier + 1) & 0xff;
    if (typeof admitted === 'number') {
      conversation.stage = 'proved';
      conversation.host = admitted;
      masterKey(conversation.ntHash, response, conversation.master, 0);
      const at = this.#writer.welcome(conversation.identifier);
      authenticatorResponse(response, conversation.ntHash, this.#challenge, this.#writer.bytes, at);
    } else {
      conversation.stage = 'failed';
      this.#writer.failure(conversation.identifier, admitted);
    }
    return this.#goOn(conversation);
  }

  #admit(conversation: Conversation): number | LoginRefusal {
    const { entitlement } = conversation;
    if (entitlement === undefined || this.#packet.nasPort < 0) return 'credentials';
    return this.#parts.gate.admit(this.#packet.nasPort, entitlement, this.#origin());
  }

  /** Looks the customer's address up and forgets it. charon may add the port in brackets. */
  #origin(): Origin {
    const { bytes, callingStart, callingEnd } = this.#packet;
    const end = fieldEnd(bytes, callingStart, callingEnd, BRACKET);
    const length = parseAddress(bytes, callingStart, end, this.#address);
    // An address that cannot be read is looked up as 0.0.0.0, which has no known holder.
    const origin = this.#parts.origin.of(this.#address, 0, length === 16 ? 16 : 4);
    this.#address.fill(0);
    return origin;
  }

  #accept(conversation: Conversation): number {
    const { reply } = this;
    this.#begin(CODE.accessAccept);
    this.#writer.verdict(conversation.identifier, true);
    reply.eap(this.#writer.bytes, this.#writer.length);
    this.#parts.gate.addresses(conversation.host, this.#four, this.#address);
    reply.attribute(ATTRIBUTE.framedAddress4, this.#four, 0, 4);
    reply.attribute(ATTRIBUTE.framedAddress6, this.#address, 0, 16);
    const salts = this.#parts.random.bytes(2);
    startKey(conversation.master, 0, 'send', this.#key, 0);
    reply.key(ATTRIBUTE.msSendKey, ((salts[0] as number) << 8) | (salts[1] as number), this.#key, 0);
    startKey(conversation.master, 0, 'receive', this.#key, 0);
    reply.key(ATTRIBUTE.msReceiveKey, ((salts[0] as number) << 8) | ((salts[1] as number) ^ 1), this.#key, 0);
    this.#key.fill(0);
    return this.#settle(conversation);
  }

  #verdict(conversation: Conversation | undefined, code: number): number {
    this.#begin(code);
    this.#writer.verdict(this.#reader.identifier, false);
    this.reply.eap(this.#writer.bytes, this.#writer.length);
    if (conversation !== undefined) return this.#settle(conversation);
    this.reply.seal();
    return this.reply.length;
  }

  #goOn(conversation: Conversation): number {
    this.#begin(CODE.accessChallenge);
    this.reply.eap(this.#writer.bytes, this.#writer.length);
    this.reply.attribute(ATTRIBUTE.state, conversation.key, 0, conversation.key.length);
    return this.#remember(conversation);
  }

  #settle(conversation: Conversation): number {
    conversation.settle();
    return this.#remember(conversation);
  }

  #remember(conversation: Conversation): number {
    this.reply.seal();
    conversation.remember(this.#packet.bytes, this.reply.bytes, this.reply.length);
    return this.reply.length;
  }

  #repeat(conversation: Conversation): number {
    this.reply.bytes.set(conversation.reply);
    return conversation.replyLength;
  }

  #begin(code: number): void {
    this.reply.begin(code, this.#packet.bytes);
  }

  #finish(code: number): number {
    this.#begin(code);
    this.reply.seal();
    return this.reply.length;
  }
}
