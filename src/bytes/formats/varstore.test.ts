// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { below, seededRandom } from '../../core/random/random.ts';
import { GUID, parseSignatureLists } from './efi.ts';
import { ATTRIBUTE, parseVariableStore, type StoredVariable, writeVariableStore } from './varstore.ts';

const TEMPLATE = readFileSync('/usr/share/OVMF/OVMF_VARS_4M.fd');
/** Enrolled by Debian with a key that everybody knows; written by the firmware itself. */
const ENROLLED = readFileSync('/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd');

const VARIABLES: readonly StoredVariable[] = [
  {
    vendor: GUID.globalVariable,
    name: 'PK',
    attributes: ATTRIBUTE.nonVolatile | ATTRIBUTE.bootService | ATTRIBUTE.runtime | ATTRIBUTE.timeBased,
    time: Date.UTC(2026, 10, 24, 11, 5, 9),
    data: Uint8Array.of(1, 2, 3),
  },
  { vendor: GUID.imageSecurity, name: 'odd', attributes: 3, time: undefined, data: new Uint8Array(0) },
];

function read(flash: Uint8Array): readonly StoredVariable[] {
  const found = parseVariableStore(flash);
  assert.ok(!('problem' in found), JSON.stringify(found));
  return found;
}

function written(variables: readonly StoredVariable[], template: Uint8Array = TEMPLATE): Uint8Array {
  const flash = writeVariableStore(template, variables);
  assert.ok(!('problem' in flash), JSON.stringify(flash));
  return flash;
}

test('the empty template holds nothing, and what is written is read back', () => {
  assert.deepEqual(read(TEMPLATE), []);
  assert.deepEqual(read(written(VARIABLES)), VARIABLES);
  assert.deepEqual(written(VARIABLES), written(VARIABLES));
  assert.deepEqual(Buffer.from(written([], written(VARIABLES))), TEMPLATE);
});

test('a store that firmware wrote can be read, and written again with the same meaning', () => {
  const variables = read(ENROLLED);
  const named = (name: string) => variables.find((variable) => variable.name === name) as StoredVariable;
  for (const name of ['PK', 'KEK', 'db', 'dbx']) {
    assert.equal(named(name).attributes, 0x27, name);
    assert.ok((parseSignatureLists(named(name).data)?.length ?? 0) > 0, name);
  }
  assert.deepEqual(named('SecureBootEnable').data, Uint8Array.of(1));
  assert.equal(new Set(variables.map(({ vendor, name }) => `${vendor} ${name}`)).size, variables.length);
  assert.deepEqual(read(written(variables)), variables);
});

test('a store that is none, is broken or is full says so', () => {
  const broken = (offset: number, value: number) => {
    const flash = written(VARIABLES);
    flash[offset] = value;
    return parseVariableStore(flash);
  };
  const none = { problem: 'not a variable store' };
  assert.deepEqual(parseVariableStore(new Uint8Array(20)), none);
  assert.deepEqual(writeVariableStore(new Uint8Array(200), VARIABLES), none);
  assert.deepEqual(broken(0x10, 0), none, 'another file system');
  assert.deepEqual(broken(0x31, 0xff), none, 'header beyond the end');
  assert.deepEqual(broken(0x48, 0), none, 'another kind of store');
  assert.deepEqual(broken(0x5b, 0xff), none, 'store beyond the end');
  assert.deepEqual(broken(0x5c, 0), none, 'not formatted');
  assert.deepEqual(broken(0x64 + 38, 0xff), { problem: 'broken variable' });
  assert.deepEqual(broken(0x64 + 36, 7), { problem: 'broken variable' });
  assert.deepEqual(broken(0x64 + 2, 0x3c), VARIABLES.slice(1), 'a deleted variable is not there');
  const large = { ...(VARIABLES[0] as StoredVariable), data: new Uint8Array(300_000) };
  assert.deepEqual(writeVariableStore(TEMPLATE, [large]), { problem: 'no room' });
});

test('junk is refused or read, and never throws', () => {
  const random = seededRandom('varstore');
  const good = written(VARIABLES).slice(0, 0x200);
  // A store that ends where the slice does.
  new DataView(good.buffer).setUint32(0x48 + 16, good.length - 0x48, true);
  let found = 0;
  for (let round = 0; round < 200_000; round += 1) {
    const bytes = good.slice(0, round % 9 === 0 ? below(random, good.length) : good.length);
    for (let change = 0; change <= round % 3 && bytes.length > 0; change += 1) {
      bytes[below(random, bytes.length)] = random.bytes(1)[0] as number;
    }
    if (!('problem' in parseVariableStore(bytes))) found += 1;
  }
  assert.ok(found > 10_000, `${found} could be read`);
});
