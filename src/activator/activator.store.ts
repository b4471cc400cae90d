// SPDX-License-Identifier: AGPL-3.0-or-later
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { ACTIVATOR } from '../core/inventory/activator.ts';
import type { Declaration, Kind } from '../core/inventory/datum.ts';
import { assertDeclared } from '../core/inventory/guard.ts';
import type { ActivatedBoot } from '../verify/attestation/continuity.ts';
import type { Firmware } from '../verify/attestation/judge.ts';

/** A gateway that may be activated, and the TPM that it must have. */
export interface EnrolledGateway {
  readonly gateway: string;
  /** SHA-256 of the endorsement certificate. */
  readonly certificate: Uint8Array;
  /** SHA-256 of the endorsement key; undefined until the certificate itself was seen. */
  readonly identity: Uint8Array | undefined;
  /** What it is given, sealed to the activator. */
  readonly parameters: Uint8Array;
  /** Undefined until the machine was first accepted. */
  readonly firmware: Firmware | undefined;
}

/** The last boot of a gateway that was given its secrets. */
export interface StoredBoot extends ActivatedBoot {
  readonly gateway: string;
  readonly release: string;
  readonly wireguard: Uint8Array;
  /** Hour, counted from 1970, of its last proof. */
  readonly proven: number;
}

/** The store holds something other than the inventory says. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

const TABLES = `
  create table if not exists gateways (
    gateway text primary key,
    certificate blob not null unique,
    identity blob not null,
    parameters blob not null,
    firmware blob not null
  ) strict, without rowid;
  create unique index if not exists one_gateway_a_key on gateways (identity) where identity <> x'';
  create table if not exists boots (
    gateway text primary key references gateways on delete cascade,
    release text not null,
    resets integer not null,
    restarts integer not null,
    milliseconds integer not null,
    attestation_key blob not null,
    keys blob not null,
    secrets blob not null,
    wireguard blob not null,
    proven integer not null
  ) strict, without rowid;`;

const COLUMN: Readonly<Partial<Record<Kind, string>>> = { word: 'TEXT', bytes: 'BLOB', count: 'INTEGER' };
const NOTHING = new Uint8Array(0);
const HALF = 32;

type Row = Readonly<Record<string, unknown>>;

/**
 * What the activator remembers, in one SQLite file: every change is on the disk before it is answered, and several
 * processes may use it (the activator, and the command that enrols).
 */
export class ActivatorStore {
  readonly #database: DatabaseSync;

  constructor(path: string) {
    this.#database = new DatabaseSync(path, { timeout: 5000 });
    this.#database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma secure_delete = on');
    this.#database.exec('pragma foreign_keys = on');
    this.#database.exec(TABLES);
    const findings = this.findings();
    if (findings.length > 0) throw new StoreError(findings.join('; '));
  }

  /** Where the real tables differ from the inventory, in words. */
  findings(inventory: Readonly<Record<string, Declaration>> = ACTIVATOR): string[] {
    const real = new Map<string, string>();
    for (const { name } of this.#all("select name from sqlite_schema where type in ('table', 'view')")) {
      for (const column of this.#all('select name, type from pragma_table_info(?)', name as string))
        real.set(`${String(name)}.${String(column['name'])}`, String(column['type']));
    }
    const declared = Object.entries(inventory).flatMap(([store, fields]) =>
      Object.entries(fields).map(([field, { kind }]) => [`${store.split('.')[1]}.${field}`, COLUMN[kind]] as const),
    );
    const undeclared = [...real.keys()].filter((column) => !declared.some(([known]) => known === column));
    return [
      ...undeclared.map((column) => `${column} is not in the inventory`),
      ...declared
        .filter(([column, type]) => real.get(column) !== type)
        .map(([column]) => `${column} is not as declared`),
    ];
  }

  /** Runs steps that all take effect, or none. No other program writes meanwhile. */
  atomically<T>(steps: () => T): T {
    this.#database.exec('begin immediate');
    try {
      const result = steps();
      this.#database.exec('commit');
      return result;
    } catch (error) {
      this.#database.exec('rollback');
      throw error;
    }
  }

  /** False when the gateway, the certificate or the key is enrolled already. */
  enrol({ gateway, certificate, identity, parameters, firmware }: EnrolledGateway): boolean {
    return this.#insert('gateways', {
      gateway,
      certificate,
      identity: identity ?? NOTHING,
      parameters,
      firmware: bytesOf(firmware),
    });
  }

  /** Whether there was such a gateway. Its boots are forgotten with it. */
  forget(gateway: string): boolean {
    return this.#change('delete from gateways where gateway = ?', gateway);
  }

  gateways(): EnrolledGateway[] {
    return this.#all('select * from gateways order by gateway').map(gatewayOf);
  }

  gatewayOfCertificate(certificate: Uint8Array): EnrolledGateway | undefined {
    return this.#all('select * from gateways where certificate = ?', certificate).map(gatewayOf)[0];
  }

  /** The gateway that this endorsement key is bound to. */
  gatewayOfKey(identity: Uint8Array): EnrolledGateway | undefined {
    return this.#all('select * from gateways where identity = ?', identity).map(gatewayOf)[0];
  }

  gateway(name: string): EnrolledGateway | undefined {
    return this.#all('select * from gateways where gateway = ?', name).map(gatewayOf)[0];
  }

  /** Binds an endorsement key and firmware to a gateway. */
  bind(gateway: string, identity: Uint8Array, firmware: Firmware): void {
    const values = [identity, bytesOf(firmware), gateway] as const;
    this.#change('update gateways set identity = ?, firmware = ? where gateway = ?', ...values);
  }

  /** Lets the machine come back with other firmware; the next boot that is accepted says which. */
  forgetFirmware(gateway: string): boolean {
    return this.#change("update gateways set firmware = x'' where gateway = ?", gateway);
  }

  boot(gateway: string): StoredBoot | undefined {
    return this.#all('select * from boots where gateway = ?', gateway).map(bootOf)[0];
  }

  boots(): StoredBoot[] {
    return this.#all('select * from boots order by gateway').map(bootOf);
  }

  keepBoot({ attestationKey, milliseconds, ...rest }: StoredBoot): void {
    this.#change('delete from boots where gateway = ?', rest.gateway);
    this.#insert('boots', { ...rest, milliseconds: Number(milliseconds), attestation_key: attestationKey });
  }

  close(): void {
    this.#database.close();
  }

  #insert(table: 'gateways' | 'boots', record: Readonly<Record<string, SQLInputValue>>): boolean {
    assertDeclared(`activator.${table}`, record);
    const columns = Object.keys(record);
    const places = columns.map(() => '?').join(', ');
    const statement = `insert into ${table} (${columns.join(', ')}) values (${places}) on conflict do nothing`;
    return this.#change(statement, ...Object.values(record));
  }

  #change(statement: string, ...values: readonly SQLInputValue[]): boolean {
    return Number(this.#database.prepare(statement).run(...values).changes) > 0;
  }

  #all(statement: string, ...values: readonly SQLInputValue[]): Row[] {
    return this.#database.prepare(statement).all(...values);
  }
}

function gatewayOf(row: Row): EnrolledGateway {
  const identity = row['identity'] as Uint8Array;
  const firmware = row['firmware'] as Uint8Array;
  return {
    gateway: row['gateway'] as string,
    certificate: row['certificate'] as Uint8Array,
    identity: identity.length === 0 ? undefined : identity,
    parameters: row['parameters'] as Uint8Array,
    firmware:
      firmware.length === 0 ? undefined : { code: firmware.subarray(0, HALF), drivers: firmware.subarray(HALF) },
  };
}

function bytesOf(firmware: Firmware | undefined): Uint8Array {
  return firmware === undefined ? NOTHING : new Uint8Array([...firmware.code, ...firmware.drivers]);
}

function bootOf(row: Row): StoredBoot {
  return {
    gateway: row['gateway'] as string,
    release: row['release'] as string,
    resets: row['resets'] as number,
    restarts: row['restarts'] as number,
    milliseconds: BigInt(row['milliseconds'] as number),
    attestationKey: row['attestation_key'] as Uint8Array,
    keys: row['keys'] as Uint8Array,
    secrets: row['secrets'] as Uint8Array,
    wireguard: row['wireguard'] as Uint8Array,
    proven: row['proven'] as number,
  };
}
