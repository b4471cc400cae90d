// SPDX-License-Identifier: AGPL-3.0-or-later
import { addressBytes } from '../../src/bytes/text/address.ts';
import { below, type Random } from '../../src/core/random/random.ts';
import {
  anyCase,
  ascii,
  base64Forms,
  bigEndian,
  digestForms,
  dnsWire,
  type Encoded,
  type Encoding,
  hexForms,
  inStores,
  textForms,
} from './encoding.ts';
import { type InstantForms, instantForms } from './instant.ts';

/**
 * A value that belongs to one customer of one run and that the service must not keep. Random, so that what is found
 * was put there by this run; only the four bytes of an IPv4 address can occur by chance, about once in four gibibytes
 * of random data for each of their forms.
 */
export type Marker = { readonly name: string } & (
  | { readonly kind: 'address'; readonly value: string; readonly bytes: Uint8Array }
  | { readonly kind: 'port'; readonly value: number; readonly address: string; readonly bytes: Uint8Array }
  | { readonly kind: 'host'; readonly value: string }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'key'; readonly value: Uint8Array }
  | { readonly kind: 'count'; readonly value: number }
  | { readonly kind: 'instant'; readonly value: number; readonly forms: InstantForms }
);

/** What is searched: one encoded form of one marker. */
export interface Pattern extends Encoded {
  readonly marker: string;
}

export function marked(name: string, value: string): Marker {
  return { name, kind: 'text', value };
}

/** A name on the Internet that only this customer asks for. The first label should be random. */
export function markedHost(name: string, value: string): Marker {
  return { name, kind: 'host', value };
}

/** `198.18.7.9` or an IPv6 address in any spelling. */
export function markedAddress(name: string, value: string): Marker {
  return { name, kind: 'address', value, bytes: addressBytes(value) };
}

/** A source port, recognisable only together with its address. */
export function markedPort(name: string, value: number, address: string): Marker {
  return { name, kind: 'port', value, address, bytes: addressBytes(address) };
}

/** A public or private key of 32 bytes, as base64. */
export function markedKey(name: string, base64: string): Marker {
  return { name, kind: 'key', value: new Uint8Array(Buffer.from(base64, 'base64')) };
}

/** The exact number of bytes of a session. Below 2^24 only its decimal digits are searched. */
export function markedCount(name: string, value: number): Marker {
  return { name, kind: 'count', value };
}

/**
 * The moment of a connect or disconnect, in milliseconds since 1970. A second before and after counts as well. A database
 * notes for itself when it wrote something; where it works at the same moment for another reason, ask for text alone.
 */
export function markedInstant(name: string, value: number, forms: InstantForms = 'text and binary'): Marker {
  return { name, kind: 'instant', value, forms };
}

/** An address from 198.18.0.0/15, the network for tests of network devices (RFC 2544). */
export function randomAddress4(random: Random): string {
  const byte = () => 33 + below(random, 200);
  return `198.${18 + below(random, 2)}.${byte()}.${byte()}`;
}

/** An address in the given unique local /48 (RFC 4193), as `fd12:3456:789a`; a random /48 without it. */
export function randomAddress6(random: Random, prefix?: string): string {
  const group = () => (0x1000 + below(random, 0xf000)).toString(16);
  const network = prefix ?? `fd${(0x10 + below(random, 0xe0)).toString(16)}:${group()}:${group()}`;
  return `${network}:${group()}:${group()}:${group()}:${group()}:${group()}`;
}

/** Sixteen random letters and digits. */
export function randomWord(random: Random): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';
  return Array.from({ length: 16 }, () => alphabet[below(random, alphabet.length)]).join('');
}

function form(encoding: Encoding, bytes: Uint8Array): Encoded {
  return { encoding, bytes };
}

function address4Forms(value: string, bytes: Uint8Array, salts: readonly Uint8Array[]): Encoded[] {
  const little = bytes.toReversed();
  const integer = (order: Uint8Array) => Buffer.from(order).readUInt32BE();
  const backwards = value.split('.').toReversed().join('.');
  const half = (at: number) => Buffer.from(bytes).readUInt16BE(at).toString(16);
  const mapped = [half(0).padStart(4, '0'), half(2).padStart(4, '0')];
  return [
    ...textForms(value, salts),
    form('binary-be', bytes),
    form('binary-le', little),
    ...hexForms(bytes),
    ...hexForms(little),
    // Four bytes alone are too few characters of base64 to mean anything.
    ...base64Forms(Uint8Array.of(0xff, 0xff, ...bytes)),
    ...[bytes, little].map((order) => form('decimal', ascii(String(integer(order))))),
    // What a script engine makes of an address that it handles as a number.
    form('binary-le', new Uint8Array(Float64Array.of(integer(bytes)).buffer)),
    anyCase('v4-mapped', ascii(`ffff:${mapped.join(':')}`)),
    anyCase('v4-mapped', ascii(`ffff:${half(0)}:${half(2)}`)),
    anyCase('arpa', ascii(`${backwards}.in-addr`)),
    anyCase('arpa', dnsWire(`${backwards}.in-addr`)),
    ...digestForms(bytes, salts),
  ];
}

function address6Forms(value: string, bytes: Uint8Array, salts: readonly Uint8Array[]): Encoded[] {
  const nibbles = Buffer.from(bytes).toString('hex');
  const full = nibbles.replaceAll(/(.{4})(?!$)/g, '$1:');
  const arpa = nibbles.split('').toReversed().join('.');
  return [
    ...[...new Set([value, full])].flatMap((text) => textForms(text, salts)),
    form('binary-be', bytes),
    form('binary-le', bytes.toReversed()),
    ...hexForms(bytes),
    ...base64Forms(bytes),
    anyCase('arpa', ascii(arpa)),
    anyCase('arpa', dnsWire(arpa)),
    ...digestForms(bytes, salts),
  ];
}

/** A port of two bytes is too short to search alone: it counts beside its address, or as text after `=` or `:`. */
function portForms(port: number, address: string, bytes: Uint8Array): Encoded[] {
  const big = Uint8Array.of(port >> 8, port & 0xff);
  const joined = (parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
  const beside = [' ', ':', ',', '.', '#', ']:'].map((between) => ascii(`${address}${between}${port}`));
  const binary = [big, big.toReversed()].flatMap((half) => [
    joined([half, bytes]),
    joined([bytes, half]),
    joined([half, bytes.toReversed()]),
    joined([bytes.toReversed(), half]),
  ]);
  const flowBefore6 = joined([big, new Uint8Array(4), bytes]);
  return [
    ...[...beside, ...binary, flowBefore6].map((pair) => form('address-port', pair)),
    ...['_port=', 'port=', 'port":', 'port: ', 'port '].map((label) => anyCase('ascii', ascii(`${label}${port}`))),
  ];
}

function keyForms(key: Uint8Array, salts: readonly Uint8Array[]): Encoded[] {
  return [
    // A part is as telling as the whole, and a freed block often keeps just a part.
    form('binary-be', key.subarray(0, 12)),
    form('binary-be', key.subarray(20)),
    form('reversed', key.toReversed()),
    ...hexForms(key),
    ...base64Forms(key),
    ...digestForms(key, salts),
    ...digestForms(ascii(Buffer.from(key).toString('base64')), salts),
  ];
}

function countForms(count: number): Encoded[] {
  const digits = String(count);
  if (count < 2 ** 24) return inStores([form('decimal', ascii(digits))]);
  const big = bigEndian(BigInt(count), 8);
  return inStores([form('decimal', ascii(digits)), form('binary-be', big), form('binary-le', big.toReversed())]);
}

function formsOf(marker: Marker, salts: readonly Uint8Array[]): Encoded[] {
  switch (marker.kind) {
    case 'address':
      return marker.bytes.length === 4
        ? address4Forms(marker.value, marker.bytes, salts)
        : address6Forms(marker.value, marker.bytes, salts);
    case 'port':
      return portForms(marker.value, marker.address, marker.bytes);
    case 'host':
      return [
        ...textForms(marker.value.split('.')[0] ?? '', salts),
        ...digestForms(ascii(marker.value), salts),
        anyCase('dns-wire', dnsWire(marker.value)),
      ];
    case 'text':
      return textForms(marker.value, salts);
    case 'key':
      return keyForms(marker.value, salts);
    case 'count':
      return countForms(marker.value);
    default:
      return instantForms(marker.value, marker.forms);
  }
}

/** Every form of the marker, each once. `salts` are the salts and keys that the service itself holds. */
export function patternsOf(marker: Marker, salts: readonly Uint8Array[] = []): Pattern[] {
  const patterns = new Map<string, Pattern>();
  for (const encoded of formsOf(marker, salts)) {
    const identity = `${Buffer.from(encoded.bytes).toString('hex')}/${Buffer.from(encoded.mask ?? []).toString('hex')}`;
    if (!patterns.has(identity)) patterns.set(identity, { ...encoded, marker: marker.name });
  }
  return [...patterns.values()];
}
