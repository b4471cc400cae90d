// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { feedJunk } from '../../../proof/labs/junk/junk.ts';
import { parseAddress } from '../../bytes/text/address.ts';
import { ATTRIBUTION } from '../../contracts/claims/attribution.ts';
import { countryCode, ispName } from '../../contracts/usage/isp.ts';
import { assertDeclared } from '../../core/inventory/guard.ts';
import { seededRandom } from '../../core/random/random.ts';
import { openOriginLookup } from './lookup.ts';
import { Networks, sourceOf, writeNetworks } from './networks.ts';
import { CsvError, networksFromCsv } from './networks-csv.ts';
import { nowhere, type OriginLookup, UNKNOWN_ORIGIN } from './origin.ts';
import { bundledGeoip, prepareGeoip } from './prepare.os.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);

function address(text: string): { bytes: Uint8Array; length: 4 | 16 } {
  const bytes = new Uint8Array(16);
  const length = parseAddress(utf8(text), 0, text.length, bytes);
  assert.notEqual(length, 0);
  return { bytes, length: length as 4 | 16 };
}

function holder(networks: Networks, text: string): string | undefined {
  const { bytes, length } = address(text);
  return networks.holderOf(bytes, 0, length);
}

function origin(lookup: OriginLookup, text: string) {
  const { bytes, length } = address(text);
  return lookup.of(bytes, 0, length);
}

function opened(files: Parameters<typeof openOriginLookup>[0]): OriginLookup {
  const lookup = openOriginLookup(files);
  assert.ok('of' in lookup);
  return lookup;
}

function withDirectory(use: (directory: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-geoip-'));
  try {
    use(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const CSV4 = [
  '1.0.0.0,1.0.0.255,13335,"Cloud, ""C"" Inc."',
  '1.0.1.0,1.0.1.255,1,Zürich Net',
  '1.0.1.128,1.0.2.255,2,Overlapping',
  '1.0.1.0,1.0.1.9,3,Inside another',
  '1.0.3.0,1.0.3.255,2,Overlapping',
  '9.0.0.0,9.0.0.0,4,10.0.0.1 looks like an address',
  '255.255.255.0,255.255.255.255,5,The End',
].join('\n');
const CSV6 = '2001:db8::,2001:db8:ffff:ffff:ffff:ffff:ffff:ffff,6,Documentation\r\n';

function table(csv4 = CSV4, csv6 = CSV6): Uint8Array {
  return writeNetworks(networksFromCsv(utf8(csv4), utf8(csv6)));
}

test('a compiled table knows whose network an address is in', () => {
  const networks = Networks.open(table()) ?? assert.fail();
  const expected: [string, string | undefined][] = [
    ['0.0.0.0', undefined],
    ['0.255.255.255', undefined],
    ['1.0.0.0', 'Cloud, "C" Inc.'],
    ['1.0.0.255', 'Cloud, "C" Inc.'],
    ['1.0.1.0', 'Zürich Net'],
    ['1.0.1.255', 'Zürich Net'],
    ['1.0.2.0', 'Overlapping'],
    ['1.0.3.255', 'Overlapping'],
    ['1.0.4.0', undefined],
    ['9.0.0.0', undefined],
    ['255.255.255.255', 'The End'],
    ['2001:db7:ffff::', undefined],
    ['2001:db8::', 'Documentation'],
    ['2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', 'Documentation'],
    ['2001:db9::', undefined],
  ];
  for (const [text, name] of expected) assert.equal(holder(networks, text), name, text);
});

test('neighbours of one holder are one range', () => {
  const { v4 } = networksFromCsv(utf8(CSV4), utf8(''));
  assert.deepEqual(
    v4.map(({ name }) => name),
    [0, 1, 2, 3, 0, 4],
  );
});

test('a list that is not as it should be is refused with its line', () => {
  for (const line of [
    'junk',
    '1.0.0.0,1.0.0.1,5',
    '1.0.0.0,2001:db8::,5,x',
    'x,1.0.0.1,5,x',
    '1.0.0.9,1.0.0.1,5,x',
    '\n1.1.1.1,1.1.1.2,3,x',
  ]) {
    assert.throws(() => table(`0.0.0.0,0.0.0.1,1,x\n${line}\n`), new CsvError(2));
  }
  assert.throws(() => table(CSV6, CSV4), CsvError);
});

test('agrees with a slow reference implementation on the bundled data', () => {
  const csv4 = readFileSync(bundledGeoip().csv4).subarray(0, 2_000_000);
  const whole = csv4.subarray(0, csv4.lastIndexOf(10) + 1);
  const networks = Networks.open(writeNetworks(networksFromCsv(whole, utf8('')))) ?? assert.fail();
  const rows = new TextDecoder()
    .decode(whole)
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [first = '', last = '', , ...name] = line.split(',');
      const [from, to] = [first, last].map((text) => Buffer.from(address(text).bytes).readUInt32BE());
      return {
        from: from as number,
        to: to as number,
        name: ispName(name.join(',').replace(/^"|"$/g, '').replaceAll('""', '"')),
      };
    });
  const random = seededRandom('reference');
  const end = rows.at(-1)?.to ?? 0;
  let found = 0;
  for (let round = 0; round < 300; round += 1) {
    const bytes = random.bytes(4);
    const value = Buffer.from(bytes).readUInt32BE() % end;
    new DataView(bytes.buffer).setUint32(0, value);
    const name = rows.find((row) => row.from <= value && value <= row.to)?.name;
    assert.equal(networks.holderOf(bytes, 0, 4), name === 'unknown' ? undefined : name);
    if (name !== undefined) found += 1;
  }
  assert.ok(found > 100);
});

test('junk and mutations of a table give wrong names or none, and never throw', () => {
  const good = table();
  const { bytes } = address('1.0.1.7');
  const use = (file: Uint8Array) => {
    const networks = Networks.open(file);
    networks?.holderOf(bytes, 0, 4);
    networks?.holderOf(bytes, 0, 16);
  };
  feedJunk(use, good, 3000);
  assert.equal(Networks.open(good.subarray(0, 60)), undefined);
  assert.equal(sourceOf(good.subarray(0, 60)), undefined);
});

test('whatever a database says, the inventory allows it in an event', () => {
  const names = fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.ipV4(), fc.ipV6(), fc.constant('\ud800'));
  fc.assert(
    fc.property(names, (text) => {
      const event = {
        date: '2026-11-21',
        user: '00112233aabbccdd',
        megabytes: 1,
        location: 'ch-zrh',
        protocol: 'ikev2',
      };
      assertDeclared('exit.usage', { ...event, country: countryCode(text), isp: ispName(text) });
    }),
  );
  assert.equal(ispName('  Zürich \t Net  '), 'Zürich Net');
  assert.equal(ispName('x'.repeat(121)), 'unknown');
  assert.equal(ispName('AS 192.0.2.1'), 'unknown');
  assert.equal(ispName(' '), 'unknown');
  assert.equal(countryCode('CH'), 'CH');
  assert.equal(countryCode('ch'), 'unknown');
});

test('the bundled data is prepared once, and again when its source has changed', () => {
  withDirectory((directory) => {
    const source = { country: '/x', csv4: join(directory, '4.csv'), csv6: join(directory, '6.csv') };
    writeFileSync(source.csv4, CSV4);
    writeFileSync(source.csv6, CSV6);
    const made = prepareGeoip(join(directory, 'made'), source);
    assert.deepEqual(made, { country: '/x', networks: join(directory, 'made', 'networks.table') });
    utimesSync(made.networks, 1, 1);
    prepareGeoip(join(directory, 'made'), source);
    assert.equal(statSync(made.networks).mtimeMs, 1000, 'it was made again');
    writeFileSync(made.networks, 'junk');
    prepareGeoip(join(directory, 'made'), source);
    const networks = Networks.open(readFileSync(made.networks)) ?? assert.fail();
    assert.equal(holder(networks, '1.0.1.0'), 'Zürich Net');
    writeFileSync(source.csv4, '1.0.1.0,1.0.1.255,1,Bern Net');
    prepareGeoip(join(directory, 'made'), source);
    assert.equal(holder(Networks.open(readFileSync(made.networks)) ?? assert.fail(), '1.0.1.0'), 'Bern Net');
    assert.deepEqual(readdirSync(join(directory, 'made')), ['networks.table']);
  });
});

test('the bundled data knows where well-known addresses are', () => {
  withDirectory((directory) => {
    const paths = prepareGeoip(directory);
    const lookup = opened({ country: readFileSync(paths.country), networks: readFileSync(paths.networks) });
    assert.deepEqual(origin(lookup, '8.8.8.8'), { country: 'US', isp: 'Google LLC' });
    assert.equal(origin(lookup, '2001:4860:4860::8888').isp, 'Google LLC');
    assert.deepEqual(origin(lookup, '10.64.0.2'), UNKNOWN_ORIGIN);
    assert.deepEqual(origin(lookup, 'fd00::1'), UNKNOWN_ORIGIN);
  });
});

test("an operator's own databases replace either half, and without any all is unknown", () => {
  const country = readFileSync(bundledGeoip().country);
  assert.deepEqual(origin(opened({ country }), '8.8.8.8'), { country: 'US', isp: 'unknown' });
  assert.deepEqual(origin(opened({ networks: table() }), '1.0.1.0'), { country: 'unknown', isp: 'Zürich Net' });
  assert.deepEqual(origin(opened({ networks: country }), '8.8.8.8'), UNKNOWN_ORIGIN);
  assert.deepEqual(origin(opened({}), '8.8.8.8'), UNKNOWN_ORIGIN);
  assert.deepEqual(origin(nowhere, '8.8.8.8'), UNKNOWN_ORIGIN);
  assert.deepEqual(openOriginLookup({ country: utf8('junk') }), { unreadable: 'country' });
  assert.deepEqual(openOriginLookup({ networks: utf8('junk') }), { unreadable: 'networks' });
});

test('the sources of the bundled data are named as their licences ask', () => {
  assert.ok(ATTRIBUTION.some(({ url }) => url === 'https://db-ip.com/'));
  for (const { licence, url } of ATTRIBUTION) assert.ok(licence === 'CC BY 4.0' && URL.canParse(url));
});
