// SPDX-License-Identifier: AGPL-3.0-or-later

/** A WireGuard public key that the customer brought. */
export interface Device {
  /** Base64, 44 characters. */
  readonly publicKey: string;
  /** Index of its inner addresses in the WireGuard pools: `pool4 + host`, `pool6 + host`. At least 2. */
  readonly host: number;
}

/** `malformed`: not 32 bytes of base64, or a point that is no key. `taken`: in use by another licence. */
export type DeviceRefusal = 'malformed' | 'taken' | 'too_many' | 'no_room';
