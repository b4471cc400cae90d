// SPDX-License-Identifier: AGPL-3.0-or-later
import { addressBytes } from '../../../src/bytes/text/address.ts';

/** What a small authoritative name server answers for every name below its zone that spells no address itself. */
export interface Zone {
  /** Without a dot at the end: `internet.test` */
  readonly name: string;
  /** Address records as sent on the wire: 4 and 16 bytes. */
  readonly a: Uint8Array;
  readonly aaaa: Uint8Array;
}

export interface DnsAnswer {
  /** The name that was asked, in lower case. */
  readonly name: string;
  readonly packet: Uint8Array;
}

const HEADER = 12;
const TYPE = { a: 1, aaaa: 28 } as const;
const TTL = 300;

/** RFC 1035 section 4.1. Undefined for anything but one plain question. */
export function answerQuestion(query: Uint8Array, zone: Zone): DnsAnswer | undefined {
  if (query.length < HEADER) return undefined;
  const view = new DataView(query.buffer, query.byteOffset, query.length);
  if ((view.getUint16(2) & 0xf800) !== 0 || view.getUint16(4) !== 1) return undefined;
  const read = readName(query);
  if (read === undefined || read.end + 4 > query.length) return undefined;
  const inside = read.name === zone.name || read.name.endsWith(`.${zone.name}`);
  const record = inside ? recordFor(view.getUint16(read.end), zone, read.name) : undefined;
  const question = query.subarray(HEADER, read.end + 4);
  return { name: read.name, packet: reply(view, question, inside, record) };
}

/** A name such as `to-0a000001.internet.test` has the address that it spells, and no other. */
function recordFor(type: number, zone: Zone, name: string): Uint8Array | undefined {
  const spelt = /^to-([0-9a-f]{8}|[0-9a-f]{32})\./.exec(name)?.[1];
  const [four, six] = spelt === undefined ? [zone.a, zone.aaaa] : bothOf(Uint8Array.fromHex(spelt));
  if (type === TYPE.a) return four;
  return type === TYPE.aaaa ? six : undefined;
}

/** The label of the name that has this address, as text, and no other. */
export function labelFor(address: string): string {
  const bytes = addressBytes(address);
  const mapped = bytes.length === 4 && address.includes(':') ? `${'0'.repeat(20)}ffff` : '';
  return `to-${mapped}${bytes.toHex()}`;
}

function bothOf(address: Uint8Array): readonly [Uint8Array | undefined, Uint8Array | undefined] {
  return address.length === 4 ? [address, undefined] : [undefined, address];
}

function readName(query: Uint8Array): { name: string; end: number } | undefined {
  const labels: string[] = [];
  let at = HEADER;
  for (;;) {
    const length = query[at];
    if (length === undefined || length > 63 || at + length >= query.length) return undefined;
    at += 1;
    if (length === 0) return { name: labels.join('.').toLowerCase(), end: at };
    labels.push(Buffer.from(query.subarray(at, at + length)).toString('latin1'));
    at += length;
  }
}

function reply(query: DataView, question: Uint8Array, inside: boolean, record: Uint8Array | undefined): Uint8Array {
  const length = record?.length ?? 0;
  const packet = new Uint8Array(HEADER + question.length + (record === undefined ? 0 : 12 + length));
  const view = new DataView(packet.buffer);
  view.setUint16(0, query.getUint16(0));
  view.setUint16(2, 0x8400 | (query.getUint16(2) & 0x0100) | 0x0080 | (inside ? 0 : 3));
  view.setUint16(4, 1);
  packet.set(question, HEADER);
  if (record === undefined) return packet;
  const at = HEADER + question.length;
  view.setUint16(6, 1);
  view.setUint16(at, 0xc000 | HEADER);
  view.setUint16(at + 2, length === 4 ? TYPE.a : TYPE.aaaa);
  view.setUint16(at + 4, 1);
  view.setUint32(at + 6, TTL);
  view.setUint16(at + 10, length);
  packet.set(record, at + 12);
  return packet;
}
