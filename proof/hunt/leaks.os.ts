// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { below, type Random } from '../../src/core/random/random.ts';
import { type Child, spawnChild } from '../../src/host/processes/process.os.ts';
import { dnsWire, type Encoding } from './encoding.ts';
import { Hunt } from './hunt.os.ts';
import {
  type Marker,
  marked,
  markedAddress,
  markedHost,
  markedInstant,
  markedKey,
  randomAddress4,
  randomWord,
} from './marker.ts';
import type { Target } from './search.os.ts';
import type { ControlResult, Sighting } from './verdict.ts';

/** Real places into which leaks are made on purpose. Whatever is put there is taken away again. */
export interface Sinks {
  /** Where gateway processes may write: /run of a gateway, as `/proc/PID/root/run` reaches it. */
  readonly directory: string;
  /** The service's database, or one like it; `directory` is its data directory. */
  readonly database: { readonly sql: (statement: string) => Promise<unknown>; readonly directory: string };
  /** What a gateway says to control, and its record. */
  readonly traffic: { readonly say: (body: string) => Promise<unknown>; readonly recorded: () => Uint8Array };
}

/** Everything a leak needs to happen. */
interface Scene extends Sinks {
  readonly salt: Uint8Array;
  /** Keeps a child running until the leaks were looked for; gives the place where its memory is found. */
  keep(child: Child): void;
  print(line: string): Promise<void>;
}

interface Leak {
  readonly name: string;
  readonly marker: Marker;
  readonly encoding: Encoding;
  /** The part of a place where it must be met. */
  readonly at: RegExp;
  make(scene: Scene): Promise<unknown> | undefined;
}

const TABLE = 'lethe_hunt_control';

/** A file of its own below the sinks' directory. */
function written(scene: Scene, name: string, content: string | Uint8Array): undefined {
  writeFileSync(join(scene.directory, name), content);
}

function databaseLeaks(random: Random): Leak[] {
  const [row, gone, packed] = [randomWord(random), randomWord(random), randomWord(random)];
  const address = randomAddress4(random);
  const moment = 1_900_000_000_000 + below(random, 100_000_000_000);
  return [
    {
      name: 'a row in a table',
      marker: marked('control: row', row),
      encoding: 'ascii',
      at: /\/base\//,
      make: ({ database }) => database.sql(`INSERT INTO ${TABLE} (note) VALUES ('${row}')`),
    },
    {
      name: 'a row of a dropped table, in the write-ahead log only',
      marker: marked('control: log', gone),
      encoding: 'ascii',
      at: /\/pg_wal\//,
      async make({ database }) {
        await database.sql(`CREATE TABLE ${TABLE}_dropped (note text)`);
        await database.sql(`INSERT INTO ${TABLE}_dropped VALUES ('${gone}')`);
        await database.sql(`DROP TABLE ${TABLE}_dropped`);
      },
    },
    {
      name: 'a value that the database compressed',
      marker: marked('control: compressed', packed),
      encoding: 'ascii',
      at: /\(unpacked\)/,
      make: ({ database }) =>
        database.sql(`INSERT INTO ${TABLE} (note) VALUES ('${packed}' || repeat(' filler', 2000))`),
    },
    {
      name: 'a column with a time',
      marker: markedInstant('control: time', moment),
      encoding: 'epoch-binary',
      at: /\/base\//,
      make: ({ database }) => database.sql(`INSERT INTO ${TABLE} (moment) VALUES (to_timestamp(${moment / 1000}))`),
    },
    {
      name: 'a column with an address',
      marker: markedAddress('control: column', address),
      encoding: 'binary-be',
      at: /\/base\//,
      make: ({ database }) => database.sql(`INSERT INTO ${TABLE} (address) VALUES ('${address}')`),
    },
  ];
}

function fileLeaks(random: Random): Leak[] {
  const word = () => randomWord(random);
  const [plain, named, deleted, wide, zipped] = [word(), word(), word(), word(), word()];
  const host = `${word()}.example`;
  const key = random.bytes(32);
  const leak = (name: string, marker: Marker, encoding: Encoding, make: Leak['make']): Leak => ({
    name,
    marker,
    encoding,
    at: /./,
    make,
  });
  return [
    leak('a line in a file', marked('control: file', plain), 'ascii', (scene) =>
      written(scene, 'line', `user=${plain}\n`),
    ),
    leak('the name of a file', marked('control: file name', named), 'ascii', (scene) => written(scene, named, '')),
    leak('UTF-16 in a file', marked('control: UTF-16', wide), 'utf-16le', (scene) =>
      written(scene, 'wide', Buffer.from(wide, 'utf16le')),
    ),
    leak('a compressed log', marked('control: gzip', zipped), 'ascii', (scene) =>
      written(scene, 'log.gz', gzipSync(`connect ${zipped} from somewhere\n`)),
    ),
    leak('a DNS question in a file', markedHost('control: DNS', host), 'dns-wire', (scene) =>
      written(scene, 'capture', dnsWire(host)),
    ),
    leak(
      'a key in hexadecimal with colons',
      markedKey('control: key', Buffer.from(key).toString('base64')),
      'hex',
      (scene) => written(scene, 'key', Array.from(key, (byte) => byte.toString(16).padStart(2, '0')).join(':')),
    ),
    leak('a file that was deleted but is still open', marked('control: deleted', deleted), 'ascii', (scene) => {
      const path = join(scene.directory, 'deleted');
      written(scene, 'deleted', deleted);
      scene.keep(spawnChild(['sh', '-c', 'exec 3<"$0" && rm "$0" && exec sleep 60', path]));
      return undefined;
    }),
  ];
}

function exitLeaks(random: Random): Leak[] {
  const word = () => randomWord(random);
  const [printed, remembered, counted] = [word(), word(), word()];
  const address = randomAddress4(random);
  return [
    {
      name: 'a line on standard output',
      marker: marked('control: output', printed),
      encoding: 'ascii',
      at: /^output$/,
      make: (scene) => scene.print(`login of ${printed}`),
    },
    {
      name: 'a salted digest in a metric',
      marker: marked('control: metric', counted),
      encoding: 'salted-digest',
      at: /^output$/,
      make: (scene) => {
        const digest = createHash('sha256').update(scene.salt).update(counted).digest('hex');
        return scene.print(`sessions{user="${digest.slice(0, 20)}"} 1`);
      },
    },
    {
      name: 'base64 in a message to control',
      marker: markedAddress('control: message', address),
      encoding: 'base64',
      at: /^traffic$/,
      make: ({ traffic }) => traffic.say(JSON.stringify({ batch: Buffer.from(`from=${address}`).toString('base64') })),
    },
    {
      name: 'memory of a process',
      marker: marked('control: memory', remembered),
      encoding: 'ascii',
      at: /^\[stack\]$/,
      make: (scene) => {
        scene.keep(spawnChild(['sleep', '60'], { env: { LAST_USER: remembered } }));
        return undefined;
      },
    },
  ];
}

/**
 * Makes every leak in its real sink, looks for all of them the way a hunt does, and says which were found. A hunt that
 * does not find one proves nothing, so one that is missed makes the verdict red.
 */
export async function findLeaks(sinks: Sinks, random: Random): Promise<ControlResult[]> {
  const leaks = [...databaseLeaks(random), ...fileLeaks(random), ...exitLeaks(random)];
  const directory = mkdtempSync(join(sinks.directory, 'control-'));
  const children: Child[] = [];
  let output = '';
  const scene: Scene = {
    ...sinks,
    directory,
    salt: random.bytes(16),
    keep: (child) => children.push(child),
    async print(line) {
      await spawnChild(['printf', '%s\\n', line], { onOutput: (text) => (output += text) }).exited;
    },
  };
  const hunt = new Hunt([scene.salt]);
  hunt.plant(...leaks.map(({ marker }) => marker));
  try {
    await makeAll(leaks, scene);
    await untilSettled(children, directory);
    const sightings = await hunt.look('connected', [
      { kind: 'tree', name: 'directory', path: directory },
      { kind: 'tree', name: 'database', path: sinks.database.directory },
      { kind: 'bytes', name: 'output', bytes: Buffer.from(output) },
      { kind: 'bytes', name: 'traffic', bytes: sinks.traffic.recorded() },
      ...children.map((child): Target => ({ kind: 'process', name: 'child', pid: child.pid, owner: 'own' })),
    ]);
    return leaks.map((leak) => ({ name: leak.name, found: sightings.some((sighting) => shows(sighting, leak)) }));
  } finally {
    await Promise.all(children.map((child) => child.stop()));
    rmSync(directory, { recursive: true });
    await sinks.database.sql(`DROP TABLE IF EXISTS ${TABLE}`);
  }
}

async function makeAll(leaks: readonly Leak[], scene: Scene): Promise<void> {
  await scene.database.sql(`CREATE TABLE ${TABLE} (note text, moment timestamptz, address inet)`);
  for (const leak of leaks) await leak.make(scene);
  await scene.database.sql('CHECKPOINT');
}

function programOf(pid: number): string {
  return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
}

/** Each child is a `sleep` in the end; before that, the file may not be deleted yet. */
async function untilSettled(children: readonly Child[], directory: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (!existsSync(join(directory, 'deleted')) && children.every((child) => programOf(child.pid) === 'sleep')) return;
    await delay(10);
  }
  throw new Error('a child of the hunt did not start');
}

function shows({ hits }: Sighting, { marker, encoding, at }: Leak): boolean {
  return hits.some((hit) => hit.marker === marker.name && hit.encoding === encoding && at.test(hit.at));
}
