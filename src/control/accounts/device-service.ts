// SPDX-License-Identifier: AGPL-3.0-or-later

import { TUNNELS } from '../../contracts/plan/plan.ts';
import { innerPools } from '../../contracts/plan/pool.ts';
import type { Licence, LicenceId } from '../../core/licences/licence.ts';
import { below, type Random } from '../../core/random/random.ts';
import { FIRST_HOST } from '../../core/sessions/inner.ts';
import type { Database, Tables } from '../database/tables.ts';
import { lockLicence } from './account.store.ts';
import type { Customer } from './account.ts';
import { insertCredential, nameKeyNow } from './credential.store.ts';
import { type CredentialSalt, drawCredentials, recordOf } from './credential.ts';
import { deleteDevice, deviceByKey, devicesOf, insertDevice, takenOf } from './device.store.ts';
import type { Device, DeviceRefusal } from './device.ts';
import { type DeviceKey, deviceKeyText, parseDeviceKey } from './device-key.ts';
import type { TrialKeys } from './trial-keys.ts';

/** Every gateway has the same pools, so a device has one host everywhere. */
const { hosts: HOSTS } = innerPools(TUNNELS.wireguard);

/** Hosts that are drawn at once, and how often: with nine of ten hosts taken, one try in a million finds none. */
const DRAWN = 32;
const DRAWS = 4;

export interface DevicesContext {
  readonly db: Database;
  readonly random: Random;
  readonly salt: CredentialSalt;
  readonly trialKeys: TrialKeys;
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
    const added = await this.#context.db.transaction().execute(async (transaction) => {
      await lockLicence(transaction, customer.licence.id);
      return this.#place(transaction, customer, key);
    });
    if (typeof added !== 'string') this.#context.changed();
    return added;
  }

  /**
   * Whatever connects is counted under the hash of a VPN username. A customer who has none yet is given one, with
   * passwords that are never shown.
   */
  async #named(db: Database, licence: LicenceId, device: Device): Promise<Device> {
    if ((await nameKeyNow(db, licence)) === undefined) {
      const { salt, random } = this.#context;
      await insertCredential(db, recordOf(salt, licence, drawCredentials(random)));
    }
    return device;
  }

  async #place(db: Database, { licence }: Customer, key: DeviceKey): Promise<Device | DeviceRefusal> {
    const present = await deviceByKey(db, key);
    if (present !== undefined) return present.licence === licence.id ? shown(present) : 'taken';
    if ((await devicesOf(db, licence.id)).length >= mostDevices(licence)) return 'too_many';
    if (licence.trial && !this.#context.trialKeys.take()) return 'no_room';
    for (let draw = 0; draw < DRAWS; draw += 1) {
      const hosts = drawHosts(this.#context.random);
      const taken = await takenOf(db, hosts);
      for (const host of hosts.filter((drawn) => !taken.has(drawn))) {
        const row = { public_key: key, licence: licence.id, host };
        if (await insertDevice(db, row)) return this.#named(db, licence.id, shown(row));
        // Host or key was given to another just now.
        if ((await deviceByKey(db, key)) !== undefined) return 'taken';
      }
    }
    return 'no_room';
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

/** Seats limit what is connected; this only limits how many keys lie about. A trial has no key more than seats. */
export function mostDevices({ seats, trial }: Licence): number {
  return trial ? seats : seats * 2;
}

/** Drawn, not counted, so that an index does not tell who came first, and no other key has to be looked at. */
function drawHosts(random: Random): number[] {
  return Array.from({ length: DRAWN }, () => FIRST_HOST + below(random, HOSTS - FIRST_HOST));
}

function shown(row: Tables['devices']): Device {
  return { publicKey: deviceKeyText(row.public_key), host: row.host };
}
