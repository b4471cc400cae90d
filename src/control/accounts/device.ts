// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Customer } from './account.ts';

/** A WireGuard public key that the customer brought. */
export interface Device {
  /** Base64, 44 characters. */
  readonly publicKey: string;
  /** Index of its inner addresses in the WireGuard pools: `pool4 + host`, `pool6 + host`. At least 2. */
  readonly host: number;
}

/** `malformed`: not 32 bytes of base64, or a point that is no key. `taken`: in use by another licence. */
export type DeviceRefusal = 'malformed' | 'taken' | 'too_many' | 'no_room';

export interface Devices {
  list(customer: Customer): Promise<readonly Device[]>;
  /** Adding a key that is already there gives the same device again. */
  add(customer: Customer, publicKey: string): Promise<Device | DeviceRefusal>;
  /** False when the licence has no such key. */
  remove(customer: Customer, publicKey: string): Promise<boolean>;
}
