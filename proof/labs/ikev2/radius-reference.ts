// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHash, createHmac, randomBytes } from 'node:crypto';

// The other side of RADIUS and EAP-MSCHAPv2, for tests: written plainly over the runtime's own hashes, so that it
// shares nothing with what it is held against.

export const SECRET = Buffer.from('a secret between friends');

export interface Attribute {
  readonly type: number;
  readonly value: Buffer;
}

export interface Request {
  readonly code?: number;
  readonly identifier?: number;
  readonly authenticator?: Buffer;
  readonly attributes: readonly Attribute[];
  readonly secret?: Buffer;
  readonly signed?: boolean;
}

export interface Reply {
  readonly code: number;
  readonly identifier: number;
  readonly attributes: readonly Attribute[];
  /** The EAP packet, put together. */
  readonly eap: Buffer;
  /** Both signatures are right. */
  readonly genuine: boolean;
}

export function attribute(type: number, value: Buffer | string): Attribute {
  return { type, value: Buffer.from(value) };
}

export function number(type: number, value: number): Attribute {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return { type, value: bytes };
}

function md5(...parts: readonly Uint8Array[]): Buffer {
  return createHash('md5').update(Buffer.concat(parts)).digest();
}

function encode(attributes: readonly Attribute[]): Buffer {
  return Buffer.concat(attributes.flatMap(({ type, value }) => [Buffer.from([type, value.length + 2]), value]));
}

export function decode(bytes: Buffer): Attribute[] {
  const attributes: Attribute[] = [];
  for (let at = 0; at < bytes.length; at += bytes[at + 1] as number) {
    attributes.push({ type: bytes[at] as number, value: bytes.subarray(at + 2, at + (bytes[at + 1] as number)) });
  }
  return attributes;
}

export function request(parts: Request): Buffer {
  const { code = 1, identifier = 1, authenticator = randomBytes(16), secret = SECRET, signed = true } = parts;
  const body = encode([...parts.attributes, ...(signed ? [attribute(80, Buffer.alloc(16))] : [])]);
  const packet = Buffer.concat([Buffer.from([code, identifier, 0, 0]), authenticator, body]);
  packet.writeUInt16BE(packet.length, 2);
  if (signed)
    createHmac('md5', secret)
      .update(packet)
      .digest()
      .copy(packet, packet.length - 16);
  return packet;
}

export function accountingRequest(attributes: readonly Attribute[], secret = SECRET): Buffer {
  const packet = request({ code: 4, authenticator: Buffer.alloc(16), attributes, signed: false });
  md5(packet, secret).copy(packet, 4);
  return packet;
}

/** RFC 2865 §5.2 */
export function coveredPassword(password: string, authenticator: Buffer): Attribute {
  const plain = Buffer.from(password);
  const padded = Buffer.concat([plain, Buffer.alloc((16 - (plain.length % 16 || 16)) % 16)]);
  const covered = Buffer.alloc(Math.max(16, padded.length));
  padded.copy(covered);
  let previous: Uint8Array = authenticator;
  for (let at = 0; at < covered.length; at += 16) {
    const mask = md5(SECRET, previous);
    for (let i = 0; i < 16; i += 1) covered[at + i] = (covered[at + i] as number) ^ (mask[i] as number);
    previous = covered.subarray(at, at + 16);
  }
  return { type: 2, value: covered };
}

export function readReply(bytes: Uint8Array, asked: Buffer): Reply {
  const packet = Buffer.from(bytes);
  const attributes = decode(packet.subarray(20));
  const unanswered = Buffer.concat([packet.subarray(0, 4), asked.subarray(4, 20), packet.subarray(20)]);
  const responseRight = md5(unanswered, SECRET).equals(packet.subarray(4, 20));
  const signature = attributes.find((one) => one.type === 80);
  const unsigned = Buffer.concat([
    packet.subarray(0, 4),
    asked.subarray(4, 20),
    encode(attributes.map((one) => (one === signature ? attribute(80, Buffer.alloc(16)) : one))),
  ]);
  const mac = createHmac('md5', SECRET).update(unsigned).digest();
  return {
    code: packet[0] as number,
    identifier: packet[1] as number,
    attributes,
    eap: Buffer.concat(attributes.filter((one) => one.type === 79).map((one) => one.value)),
    genuine: responseRight && (signature === undefined || signature.value.equals(mac)),
  };
}

/** RFC 2548 §2.4.2, undone. */
export function uncoveredKey(reply: Reply, type: number, asked: Buffer): Buffer {
  const vendors = reply.attributes.filter((one) => one.type === 26).map((one) => one.value);
  const value = (vendors.find((one) => one[4] === type) as Buffer).subarray(6);
  const plain = Buffer.alloc(value.length - 2);
  let previous: Uint8Array = Buffer.concat([asked.subarray(4, 20), value.subarray(0, 2)]);
  for (let at = 0; at < plain.length; at += 16) {
    const mask = md5(SECRET, previous);
    for (let i = 0; i < 16; i += 1) plain[at + i] = (value[2 + at + i] as number) ^ (mask[i] as number);
    previous = value.subarray(2 + at, 2 + at + 16);
  }
  return plain.subarray(1, 1 + (plain[0] as number));
}

export function eap(code: number, identifier: number, content: Buffer | readonly number[]): Buffer {
  const header = Buffer.from([code, identifier, 0, 0]);
  header.writeUInt16BE(4 + content.length, 2);
  return Buffer.concat([header, Buffer.from(content)]);
}

/** As many fragments as it takes (RFC 3579 §3.1). */
export function eapAttributes(packet: Buffer, fragment = 253): Attribute[] {
  const fragments: Attribute[] = [];
  for (let at = 0; at < packet.length; at += fragment) {
    fragments.push({ type: 79, value: packet.subarray(at, at + fragment) });
  }
  return fragments;
}

export function identity(name: Buffer | string, identifier = 0): Buffer {
  return eap(2, identifier, Buffer.concat([Buffer.from([1]), Buffer.from(name)]));
}

/** An EAP-MSCHAPv2 response. */
export function chapResponse(identifier: number, peerChallenge: Buffer, ntResponse: Buffer, name: string): Buffer {
  const value = Buffer.concat([peerChallenge, Buffer.alloc(8), ntResponse, Buffer.alloc(1)]);
  const content = Buffer.concat([Buffer.from([26, 2, identifier, 0, 0, 49]), value, Buffer.from(name)]);
  content.writeUInt16BE(content.length - 1, 3);
  return eap(2, identifier, content);
}
