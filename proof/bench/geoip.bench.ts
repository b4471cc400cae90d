// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempDisposableSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CountryResponse, Reader } from 'mmdb-lib';
import { openOriginLookup } from '../../src/gateway/geoip/lookup.ts';
import { prepareGeoip } from '../../src/gateway/geoip/prepare.os.ts';
import { type BenchContext, type Benchmark, cpuSeconds, interleave, type Row, rowOf } from './bench.ts';

/** Where a session came from: the country alone, and with the network's holder, for random IPv4 addresses. */
export const benchmark: Benchmark = {
  about: 'origins per CPU second: country in place against mmdb-lib, and country with the network together',
  run: async (context) => {
    using directory = mkdtempDisposableSync(join(tmpdir(), 'lethe-bench-'));
    return await measure(context, directory.path);
  },
};

async function measure(context: BenchContext, directory: string): Promise<Row[]> {
  context.say('compiling the table of networks');
  const paths = prepareGeoip(directory);
  const country = readFileSync(paths.country);
  const networks = readFileSync(paths.networks);
  const theirs = new Reader<CountryResponse & { country_code?: string }>(country);
  const count = context.size === 'tiny' ? 1000 : 200_000;
  const addresses = context.random.bytes(count * 4);
  const texts = Array.from({ length: count }, (_, index) => addresses.subarray(index * 4, index * 4 + 4).join('.'));

  let expected = 0;
  for (const text of texts) expected += valueOf(theirs.get(text)?.country_code);
  const rate = (sum: () => number): number => {
    let found = 0;
    const seconds = cpuSeconds(() => {
      found = sum();
    });
    assert.equal(found, expected);
    return count / seconds;
  };
  const ours = (files: { country: Uint8Array; networks?: Uint8Array }) => {
    const lookup = openOriginLookup(files);
    assert.ok('of' in lookup);
    return () => {
      let sum = 0;
      for (let at = 0; at < addresses.length; at += 4) sum += valueOf(lookup.of(addresses, at, 4).country);
      return sum;
    };
  };
  const [alone, both] = [ours({ country }), ours({ country, networks })];
  const samples = await interleave(context, {
    ours: () => rate(alone),
    both: () => rate(both),
    mmdb: () => rate(() => texts.reduce((sum, text) => sum + valueOf(theirs.get(text)?.country_code), 0)),
  });
  const peer = { name: 'mmdb-lib', samples: samples.mmdb };
  return [
    rowOf({ name: 'country of an address', unit: 'lookups/CPU s', samples: samples.ours, peer }),
    rowOf({ name: 'country and network of an address', unit: 'lookups/CPU s', samples: samples.both }),
  ];
}

/** A country as a number, to compare sums; 0 where it is unknown. */
function valueOf(code: string | undefined): number {
  return code === undefined || code === 'unknown' ? 0 : code.charCodeAt(0) * 256 + code.charCodeAt(1);
}
