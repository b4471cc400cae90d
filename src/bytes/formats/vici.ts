// SPDX-License-Identifier: AGPL-3.0-or-later

/** Packet types of vici (strongSwan, src/libcharon/plugins/vici/README.md, "Packet types"). */
export const VICI = { request: 0, response: 1, unknown: 2, register: 3, confirm: 5, event: 7 } as const;

/** Element type of a message. */
const KEY_VALUE = 3;
const LENGTH = 4;

function append(bytes: number[], lengthBytes: 1 | 2, text: string): void {
  if (lengthBytes === 2) bytes.push(text.length >>> 8);
  bytes.push(text.length & 0xff);
  for (const letter of text) bytes.push(letter.charCodeAt(0));
}

/** A request with a name and key-value pairs, for what is asked of charon. None of it is about a customer. */
export function viciRequest(
  type: typeof VICI.request | typeof VICI.register,
  name: string,
  values: Readonly<Record<string, string | number>> = {},
): Uint8Array {
  const bytes = [0, 0, 0, 0, type];
  append(bytes, 1, name);
  for (const [key, value] of Object.entries(values)) {
    bytes.push(KEY_VALUE);
    append(bytes, 1, key);
    append(bytes, 2, String(value));
  }
  const size = bytes.length - LENGTH;
  bytes[2] = size >>> 8;
  bytes[3] = size & 0xff;
  return Uint8Array.from(bytes);
}
