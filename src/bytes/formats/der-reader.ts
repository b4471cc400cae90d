// SPDX-License-Identifier: AGPL-3.0-or-later

/** One element of DER (X.690): its tag byte, its content, and all of it. */
export interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly whole: Uint8Array;
}

/** Tags that the parsers of this house look for. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  sequence: 0x30,
  set: 0x31,
  /** Context-specific and constructed: add the number. */
  explicit: 0xa0,
} as const;

/**
 * The elements that follow each other in hostile bytes. Undefined when one is cut, has a length that is not in
 * its shortest form, or a tag of more than one byte; or when there are more than 1024.
 */
export function elements(bytes: Uint8Array): readonly Element[] | undefined {
  const found: Element[] = [];
  for (let at = 0; at < bytes.length; ) {
    const element = found.length < 1024 ? elementAt(bytes, at) : undefined;
    if (element === undefined) return undefined;
    found.push(element);
    at += element.whole.length;
  }
  return found;
}

/** The one element that the bytes are; with that tag, if one is given. */
export function element(bytes: Uint8Array, tag?: number): Element | undefined {
  const found = elementAt(bytes, 0);
  if (found === undefined || found.whole.length !== bytes.length) return undefined;
  return tag === undefined || found.tag === tag ? found : undefined;
}

/** Length of the element that the bytes begin with, whatever follows it; undefined when there is none. */
export function elementLength(bytes: Uint8Array): number | undefined {
  return elementAt(bytes, 0)?.whole.length;
}

function elementAt(bytes: Uint8Array, at: number): Element | undefined {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return undefined;
  let length = first;
  let start = at + 2;
  if (first >= 0x80) {
    const digits = first & 0x7f;
    if (digits === 0 || digits > 3 || start + digits > bytes.length) return undefined;
    length = 0;
    for (let index = 0; index < digits; index += 1) length = length * 256 + (bytes[start + index] as number);
    if (length < 0x80 || length < 256 ** (digits - 1)) return undefined;
    start += digits;
  }
  if (start + length > bytes.length) return undefined;
  return { tag, content: bytes.subarray(start, start + length), whole: bytes.subarray(at, start + length) };
}

/** `2.5.29.17`; undefined when the bytes are not an object identifier. */
export function dotted(content: Uint8Array): string | undefined {
  const arcs: number[] = [];
  let arc = 0;
  for (const [at, byte] of content.entries()) {
    if (arc === 0 && byte === 0x80) return undefined;
    arc = arc * 128 + (byte & 0x7f);
    if (arc > 0xffff_ffff) return undefined;
    if (byte >= 0x80) {
      if (at === content.length - 1) return undefined;
      continue;
    }
    arcs.push(arc);
    arc = 0;
  }
  const [head, ...rest] = arcs;
  if (head === undefined) return undefined;
  const root = Math.min(2, Math.floor(head / 40));
  return [root, head - root * 40, ...rest].join('.');
}
