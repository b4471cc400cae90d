// SPDX-License-Identifier: AGPL-3.0-or-later

/** A WireGuard public key: 32 bytes, a point of Curve25519 that is no member of the small subgroup. */
export type DeviceKey = Uint8Array & { readonly __unit: 'device key' };

/**
 * The points of small order (Curve25519, "May the Fourth" list of the authors, also RFC 7748 section 6.1): with one of
 * them, every exchange gives a secret that everybody knows. The top bit is ignored, as the curve does.
 */
const SMALL_ORDER = new Set(
  [
    '00'.repeat(32),
    `01${'00'.repeat(31)}`,
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
    `ec${'ff'.repeat(30)}7f`,
    `ed${'ff'.repeat(30)}7f`,
    `ee${'ff'.repeat(30)}7f`,
  ].map((hex) => Buffer.from(hex, 'hex').toString('base64')),
);

/** Hostile input. Undefined unless it is the base64 form of a usable key, written the one way that it can be. */
export function parseDeviceKey(text: string): DeviceKey | undefined {
  if (!/^[0-9A-Za-z+/]{43}=$/.test(text)) return undefined;
  const key = Buffer.from(text, 'base64');
  if (key.toString('base64') !== text) return undefined;
  const point = Buffer.from(key);
  point.writeUInt8(point.readUInt8(31) & 0x7f, 31);
  return SMALL_ORDER.has(point.toString('base64')) ? undefined : (new Uint8Array(key) as DeviceKey);
}

export function deviceKeyText(key: Uint8Array): string {
  return Buffer.from(key).toString('base64');
}
