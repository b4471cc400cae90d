// SPDX-License-Identifier: AGPL-3.0-or-later
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256 } from '../../../src/bytes/formats/fingerprint.ts';
import { openvpnStaticKey, privateKeyPem } from '../../../src/contracts/pki/keys.ts';
import type { Customer } from '../../../src/control/accounts/account.ts';
import { loadAssets } from '../../../src/control/portal/assets.os.ts';
import { type ControlConfig, type ControlConfigFile, parseControlConfig } from '../../../src/control/program/config.ts';
import { type Control, openControl } from '../../../src/control/program/control.ts';
import { readMaterial } from '../../../src/control/program/material.os.ts';
import { ManualClock } from '../../../src/core/clock/clock.ts';
import { RecordingJournal } from '../../../src/core/journal/journal.ts';
import { systemRandom } from '../../../src/core/random/random.ts';
import { TestAuthority } from '../authority/authority.ts';
import { openTemporaryDatabase, type TemporaryDatabase } from '../database/temporary.os.ts';

/** The bearer token of the one gateway in a {@link temporaryConfig}. */
export const GATEWAY_TOKEN = 'a'.repeat(43);

export interface TemporaryConfig {
  readonly config: ControlConfigFile;
  /** Writes a file beside the keys and gives its path. */
  file(name: string, content: string): string;
  /** The configuration with some settings changed, as a file. */
  changed(change: object, name?: string): string;
  /** Deletes configuration, keys and files. */
  remove(): void;
}

/** A complete configuration with keys in a directory of its own, for tests: one gateway, ports of the system's choice. */
export async function temporaryConfig(database: string): Promise<TemporaryConfig> {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-control-'));
  const file = (name: string, content: string): string => {
    const path = join(directory, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  const signing = file('signing.pem', privateKeyPem(generateKeyPairSync('ed25519').privateKey));
  const authority = await TestAuthority.create();
  const fleet = await authority.server('control.lethe.test', ['127.0.0.1']);
  const config: ControlConfigFile = {
    name: 'Lethe',
    database,
    listen: { address: '127.0.0.1', port: 0 },
    caCertificate: file('ca.crt', authority.certificate),
    tlsCryptKey: file('tls-crypt.key', openvpnStaticKey(systemRandom)),
    keys: {
      authfile: signing,
      expected: signing,
      locations: signing,
      usage: file('usage.key', Buffer.from(systemRandom.bytes(32)).toString('base64')),
    },
    fleet: {
      listen: { address: '127.0.0.1', port: 0 },
      certificate: file('fleet.crt', fleet.certificate),
      key: file('fleet.key', fleet.key),
      locations: [{ id: 'ch-zrh', name: 'Zürich, Switzerland', country: 'CH' }],
      gateways: [
        {
          gateway: 'zrh-01',
          location: 'ch-zrh',
          name: 'zrh-01.lethe.test',
          address4: '192.0.2.1',
          uplink: 'eth0',
          tokenHash: sha256(GATEWAY_TOKEN).toHex(),
          wireguardKey: Buffer.alloc(32, 9).toString('base64'),
        },
      ],
    },
  };
  return {
    config,
    file,
    changed: (change, name = 'control.json') => file(name, JSON.stringify({ ...config, ...change })),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

export interface TestControl {
  readonly control: Control;
  readonly clock: ManualClock;
  readonly journal: RecordingJournal;
  readonly database: TemporaryDatabase;
  readonly config: ControlConfig;
  /** A new account. */
  customer(): Promise<Customer>;
  /** One request to portal and API. */
  ask(
    method: string,
    path: string,
    options?: { token?: string; body?: unknown; headers?: Record<string, string> },
  ): Promise<Response>;
  close(): Promise<void>;
}

/** 2026-11-21, noon. */
export const NOON = Date.UTC(2026, 10, 21, 12);

/** The whole of control on a real database, but with a clock that obeys. Nothing listens on a port. */
export async function openTestControl(change: Partial<ControlConfigFile> = {}): Promise<TestControl> {
  const database = await openTemporaryDatabase();
  const temporary = await temporaryConfig(database.server.socket);
  const config = parseControlConfig(JSON.stringify({ ...temporary.config, ...change })) as ControlConfig;
  const [clock, journal] = [new ManualClock(NOON), new RecordingJournal()];
  const control = await openControl({
    config,
    material: readMaterial(config),
    release: '0.1.0',
    clock,
    random: systemRandom,
    journal,
    render: (plan) => [{ name: 'openvpn.conf', content: `# ${plan.gateway}\n` }],
    assets: loadAssets(),
  });
  return {
    control,
    clock,
    journal,
    database,
    config,
    async customer() {
      const made = await control.services.accounts.signUp();
      if (typeof made === 'string') throw new Error(`no sign-up: ${made}`);
      return made.customer;
    },
    async ask(method, path, { token, body, headers } = {}) {
      const sent = {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      };
      const text = typeof body === 'string' || body === undefined ? body : JSON.stringify(body);
      const url = `http://lethe.test${path}`;
      return control.publicFetch(
        new Request(url, { method, headers: sent, ...(text === undefined ? {} : { body: text }) }),
      );
    },
    async close() {
      await control.close();
      await database.close();
      temporary.remove();
    },
  };
}
