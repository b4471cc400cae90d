// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import { addressBytes } from '../../src/bytes/text/address.ts';
import { seededRandom, systemRandom } from '../../src/core/random/random.ts';
import {
  type Marker,
  marked,
  markedAddress,
  markedCount,
  markedHost,
  markedInstant,
  markedKey,
  markedPort,
  patternsOf,
  randomAddress4,
  randomAddress6,
  randomWord,
} from './marker.ts';
import { Matcher } from './matcher.ts';

const SALT = Buffer.from('a salt of the service');

/** Whether the marker is found in what another program wrote down. */
function isSeen(marker: Marker, written: string | Uint8Array, in_: 'memory' | 'store' = 'store'): boolean {
  const patterns = patternsOf(marker, [SALT]).filter(({ storesOnly }) => in_ === 'store' || storesOnly !== true);
  const data = Buffer.concat([Buffer.from('before '), Buffer.from(written as string), Buffer.from(' after')]);
  let seen = false;
  new Matcher(patterns).search(data, data.length, () => {
    seen = true;
  });
  return seen;
}

function sha256(value: string | Uint8Array): Buffer {
  return createHash('sha256').update(value).digest();
}

const USER = 'qk3mPz7wd2xv9Rt4';
const TEXTS: Readonly<Record<string, string | Uint8Array>> = {
  plain: USER,
  'upper case': USER.toUpperCase(),
  'lower case': USER.toLowerCase(),
  'mixed case': 'Qk3MpZ7wD2xV9rT4',
  'UTF-16 little endian': Buffer.from(USER, 'utf16le'),
  'UTF-16 big endian': Buffer.from(USER, 'utf16le').swap16(),
  hexadecimal: Buffer.from(USER).toString('hex'),
  'hexadecimal, capitals': Buffer.from(USER).toString('hex').toUpperCase(),
  'hexadecimal with colons': Buffer.from(USER)
    .toString('hex')
    .replaceAll(/..(?!$)/g, '$&:'),
  'hexadecimal with spaces': Buffer.from(USER)
    .toString('hex')
    .replaceAll(/..(?!$)/g, '$& '),
  base64: Buffer.from(USER).toString('base64'),
  'base64, one byte later': Buffer.from(`x${USER}`).toString('base64'),
  'base64, two bytes later': Buffer.from(`xy${USER}z`).toString('base64'),
  'base64 of lower case': Buffer.from(USER.toLowerCase()).toString('base64url'),
  percent: USER.replaceAll(/./g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`),
  'JSON escapes': USER.replaceAll(/./g, (letter) => `\\u00${letter.charCodeAt(0).toString(16)}`),
  reversed: USER.split('').toReversed().join(''),
  'SHA-256': sha256(USER),
  'SHA-256 in hexadecimal': sha256(USER).toString('hex'),
  'SHA-256 in base64': sha256(USER).toString('base64'),
  'SHA-256 in base64url': sha256(USER).toString('base64url'),
  'SHA-256, eight bytes of it': sha256(USER).subarray(0, 8),
  'SHA-1': createHash('sha1').update(USER).digest('hex').slice(0, 16),
  MD5: createHash('md5').update(USER).digest(),
  'salt before': sha256(Buffer.concat([SALT, Buffer.from(USER)])).subarray(0, 16),
  'salt after': sha256(Buffer.concat([Buffer.from(USER), SALT])).toString('hex'),
  'salt, zero, value': sha256(Buffer.concat([SALT, Buffer.from([0]), Buffer.from(USER)])),
  HMAC: createHmac('sha256', SALT).update(USER).digest('base64url'),
};

for (const [how, written] of Object.entries(TEXTS)) {
  test(`text is found: ${how}`, () => {
    assert.ok(isSeen(marked('user', USER), written, 'memory'));
    assert.ok(!isSeen(marked('user', randomWord(systemRandom)), written));
  });
}

const ADDRESS4: Readonly<Record<string, string | Uint8Array>> = {
  dotted: '198.18.44.57',
  'network order': Uint8Array.of(198, 18, 44, 57),
  'little endian': Uint8Array.of(57, 44, 18, 198),
  hexadecimal: 'c6122c39',
  'as in /proc/net/tcp': '392C12C6',
  'as a number': String(198 * 2 ** 24 + 18 * 2 ** 16 + 44 * 2 ** 8 + 57),
  'as a number of the other order': String(57 * 2 ** 24 + 44 * 2 ** 16 + 18 * 2 ** 8 + 198),
  'as a floating point number': new Uint8Array(Float64Array.of(198 * 2 ** 24 + 18 * 2 ** 16 + 44 * 2 ** 8 + 57).buffer),
  'mapped into IPv6': '::FFFF:c612:2c39',
  'mapped into IPv6, in base64': Buffer.from([0, 0, 255, 255, 198, 18, 44, 57]).toString('base64'),
  'name for reverse lookup': '57.44.18.198.in-addr.arpa',
  'question for reverse lookup': Buffer.from('\x0257\x0244\x0218\x03198\x07in-addr\x04arpa', 'latin1'),
  'digest of its bytes': sha256(Uint8Array.of(198, 18, 44, 57)),
  'digest of its text': sha256('198.18.44.57'),
};

for (const [how, written] of Object.entries(ADDRESS4)) {
  test(`an IPv4 address is found: ${how}`, () => {
    assert.ok(isSeen(markedAddress('source', '198.18.44.57'), written));
    assert.ok(!isSeen(markedAddress('source', '198.18.99.58'), written));
  });
}

const ADDRESS6: Readonly<Record<string, string | Uint8Array>> = {
  compressed: 'fd12:3456:789a::1a2b:3c4d',
  capitals: 'FD12:3456:789A::1A2B:3C4D',
  'all groups': 'fd12:3456:789a:0000:0000:0000:1a2b:3c4d',
  'network order': addressBytes('fd12:3456:789a::1a2b:3c4d'),
  'little endian': addressBytes('fd12:3456:789a::1a2b:3c4d').toReversed(),
  hexadecimal: 'fd123456789a0000000000001a2b3c4d',
  'name for reverse lookup': 'd.4.c.3.b.2.a.1.0.0.0.0.0.0.0.0.0.0.0.0.a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa',
  base64: Buffer.from(addressBytes('fd12:3456:789a::1a2b:3c4d')).toString('base64'),
};

for (const [how, written] of Object.entries(ADDRESS6)) {
  test(`an IPv6 address is found: ${how}`, () => {
    assert.ok(isSeen(markedAddress('source', 'fd12:3456:789a::1a2b:3c4d'), written, 'memory'));
    assert.ok(!isSeen(markedAddress('source', 'fd12:3456:789a::1a2b:4d3c'), written));
  });
}

test('a port is found beside its address or as declared text, and nowhere else', () => {
  const port = markedPort('port', 23_456, '198.18.44.57');
  for (const written of [
    '198.18.44.57:23456',
    '[AF_INET]198.18.44.57:23456',
    'trusted_port=23456',
    '{"port":23456}',
    Uint8Array.of(2, 0, 0x5b, 0xa0, 198, 18, 44, 57),
    Uint8Array.of(198, 18, 44, 57, 0xa0, 0x5b),
    Uint8Array.of(57, 44, 18, 198, 0xa0, 0x5b),
  ]) {
    assert.ok(isSeen(port, written, 'memory'), String(written));
  }
  for (const written of ['23456', '198.18.44.57', Uint8Array.of(0x5b, 0xa0)]) assert.ok(!isSeen(port, written));
  assert.ok(
    isSeen(
      markedPort('port', 80, 'fd12::1'),
      Buffer.concat([Uint8Array.of(0, 80, 0, 0, 0, 0), addressBytes('fd12::1')]),
    ),
  );
});

test('a name is found as text and in DNS messages', () => {
  const host = markedHost('name', 'k4v8w2q9.example');
  for (const written of [
    'http://k4v8w2q9.example/',
    '\x08K4v8W2Q9\x07ExAmple\x00',
    'k4v8w2q9',
    sha256('k4v8w2q9.example'),
  ]) {
    assert.ok(isSeen(host, written, 'memory'));
  }
});

test('a key is found whole and in part', () => {
  const key = systemRandom.bytes(32);
  const base64 = Buffer.from(key).toString('base64');
  for (const written of [
    key,
    key.subarray(0, 12),
    key.subarray(20),
    base64,
    Buffer.from(key).toString('hex'),
    sha256(key),
  ]) {
    assert.ok(isSeen(markedKey('key', base64), written, 'memory'));
  }
});

test('a byte count is found in stores only, and in binary when it is large', () => {
  const [small, large] = [markedCount('bytes', 1_234_567), markedCount('bytes', 98_765_432)];
  assert.ok(isSeen(small, '"bytes":1234567') && !isSeen(small, '"bytes":1234567', 'memory'));
  assert.ok(!isSeen(small, Uint8Array.of(0x87, 0xd6, 0x12, 0, 0, 0, 0, 0)));
  assert.ok(isSeen(large, new Uint8Array(BigUint64Array.of(98_765_432n).buffer)));
  assert.ok(isSeen(large, new Uint8Array(BigUint64Array.of(98_765_432n).buffer).toReversed()));
});

test('a moment is found in stores as text and as numbers, a second before and after as well', () => {
  const moment = Date.UTC(2031, 6, 13, 4, 5, 6, 789);
  const marker = markedInstant('connected', moment);
  const microseconds = BigInt(moment) * 1000n;
  const numbers = (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return [bytes, bytes.toReversed()];
  };
  for (const written of [
    '2031-07-13T04:05:06.789Z',
    '2031-07-13 04:05:05+00',
    '20310713T040507Z',
    '20310713040506',
    'Sun, 13 Jul 2031 04:05:06 GMT',
    'Sun Jul 13 04:05:06 2031',
    'Jul 13 04:05:06 host openvpn',
    String(moment),
    `time=${Math.floor(moment / 1000)}`,
    new Uint8Array(Int32Array.of(Math.floor(moment / 1000)).buffer),
    ...numbers(BigInt(moment)),
    ...numbers(BigInt(moment) + 999n),
    ...numbers(microseconds - 1_000_000n),
    ...numbers(microseconds - 946_684_800_000_000n),
  ]) {
    assert.ok(isSeen(marker, written), Buffer.from(written as string).toString('latin1'));
    assert.ok(!isSeen(marker, written, 'memory'));
  }
  for (const written of [
    '2031-07-13T04:05:09Z',
    ...numbers(BigInt(moment) + 10_000n),
    ...numbers(microseconds + 9_000_000n),
  ]) {
    assert.ok(!isSeen(marker, written));
  }
});

test('a moment can be looked for as text alone', () => {
  const moment = Date.UTC(2031, 6, 13, 4, 5, 6, 789);
  const marker = markedInstant('connected', moment, 'text');
  assert.ok(isSeen(marker, '2031-07-13T04:05:06Z'));
  assert.ok(!isSeen(marker, new Uint8Array(BigInt64Array.of(BigInt(moment)).buffer)));
});

test('any moment is found, wherever its bits break', () => {
  const random = seededRandom('moments');
  for (let round = 0; round < 40; round += 1) {
    const moment = 1_700_000_000_000 + Buffer.from(random.bytes(5)).readUIntBE(0, 5);
    for (const value of [BigInt(moment), BigInt(moment) * 1000n, BigInt(moment) * 1000n - 946_684_800_000_000n]) {
      assert.ok(isSeen(markedInstant('moment', moment), new Uint8Array(BigInt64Array.of(value).buffer)));
    }
  }
});

test('no form is searched twice', () => {
  const patterns = patternsOf(markedAddress('a', '198.18.44.57'), [SALT]);
  const forms = patterns.map(
    ({ bytes, mask }) => `${Buffer.from(bytes).toString('hex')} ${Buffer.from(mask ?? []).toString('hex')}`,
  );
  assert.equal(new Set(forms).size, forms.length);
});

test('random markers have their shapes', () => {
  const random = seededRandom('shapes');
  for (let round = 0; round < 50; round += 1) {
    assert.match(randomAddress4(random), /^198\.1[89]\.\d{2,3}\.\d{2,3}$/);
    assert.match(randomAddress6(random), /^fd[0-9a-f]{2}(:[0-9a-f]{4}){7}$/);
    assert.match(randomAddress6(random, 'fd12:3456:789a'), /^fd12:3456:789a(:[0-9a-f]{4}){5}$/);
    assert.match(randomWord(random), /^[a-z2-9]{16}$/);
  }
});
