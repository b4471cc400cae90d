// SPDX-License-Identifier: AGPL-3.0-or-later

import { TUNNELS } from '../../contracts/plan/plan.ts';
import { innerPools } from '../../contracts/plan/pool.ts';
import { below, type Random } from '../../core/random/random.ts';
import { FIRST_HOST } from '../../core/sessions/inner.ts';
import type { Database, Tables } from '../database/tables.ts';
import type { Customer } from './account.ts';
import { deleteDevice, deviceByKey, devicesOf, insertDevice, lockDevices, takenHosts } from './device.store.ts';
import type { Device, DeviceRefusal } from './device.ts';
import { deviceKeyText, parseDeviceKey } from './device-key.ts';

/** Every gateway has the same pools, so a device has one host everywhere. */
const { hosts: HOSTS } = innerPools(TUNNELS.wireguard);

export interface DevicesContext {
  readonly db: Database;
  readonly random: Random;
  /** Called when the auth file has to be made anew. */
  readonly changed: () => void;
}

export class DeviceService {
  readonly #context: DevicesContext;

  constructor(context: DevicesContext) {
    this.#context = context;
  }

  async list(customer: Customer): Promise<readonly Device[]> {
    const rows = await devicesOf(this.#context.db, customer.licence.id);
    return rows.map(shown);
  }

  /** Adding a key that is already there gives the same device again. */
  async add(customer: Customer, publicKey: string): Promise<Device | DeviceRefusal> {
    const key = parseDeviceKey(publicKey);
    if (key === undefined) return 'malformed';
    const licence = customer.licence.id;
    const added = await this.#context.db.transaction().execute(async (transaction) => {
      await lockDevices(transaction);
      const present = await deviceByKey(transaction, key);
      if (present !== undefined) return present.licence === licence ? shown(present) : 'taken';
      const owned = await devicesOf(transaction, licence);
      if (owned.length >= mostDevices(customer)) return 'too_many';
      const host = freeHost(this.#context.random, await takenHosts(transaction));
      if (host === undefined) return 'no_room';
      const row = { public_key: key, licence, host };
      await insertDevice(transaction, row);
      return shown(row);
    });
    if (typeof added !== 'string') this.#context.changed();
    return added;
  }

  /** False when the licence has no such key. */
  async remove(customer: Customer, publicKey: string): Promise<boolean> {
    const key = parseDeviceKey(publicKey);
    if (key === undefined) return false;
    const removed = await deleteDevice(this.#context.db, customer.licence.id, key);
    if (removed) this.#context.changed();
    return removed;
  }
}

/** What pages and API see of it. */
export type Devices = Pick<DeviceService, keyof DeviceService>;

/** Seats limit what is connected; this only limits how many keys lie about. */
function mostDevices(customer: Customer): number {
  return customer.licence.seats * 2;
}

/** Drawn, not counted, so that an index does not tell who came first. Undefined when the pool is full. */
export function freeHost(random: Random, taken: ReadonlySet<number>): number | undefined {
  const size = HOSTS - FIRST_HOST;
  const start = below(random, size);
  for (let step = 0; step < size; step += 1) {
    const host = FIRST_HOST + ((start + step) % size);
    if (!taken.has(host)) return host;
  }
  return undefined;
}

function shown(row: Tables['devices']): Device {
  return { publicKey: deviceKeyText(row.public_key), host: row.host };
}
