// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { isIPv4, isIPv6 } from 'node:net';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { addressBytes, parseAddress } from './address.ts';

const out = new Uint8Array(16);

/** Parses the text in the middle of a line. */
function parse(text: string): { length: number; hex: string } {
  const line = new TextEncoder().encode(`1${text}1`);
  out.fill(0xee);
  const length = parseAddress(line, 1, line.length - 1, out);
  return { length, hex: Buffer.from(out.subarray(0, length)).toString('hex') };
}

/** The reference: the URL parser writes an IPv6 address in its one canonical form. */
function expected6(text: string): string {
  const host = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  const [head = '', tail] = host.split('::');
  const groups = (part: string) => part.split(':').filter(Boolean);
  const zeros = tail === undefined ? 0 : 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array<string>(zeros).fill('0'), ...groups(tail ?? '')];
  return all.map((group) => group.padStart(4, '0')).join('');
}

test('known forms', () => {
  assert.deepEqual(parse('192.0.2.1'), { length: 4, hex: 'c0000201' });
  assert.deepEqual(parse('0.0.0.0'), { length: 4, hex: '00000000' });
  assert.deepEqual(parse('::'), { length: 16, hex: '0'.repeat(32) });
  assert.deepEqual(parse('2001:DB8::1'), { length: 16, hex: '20010db8000000000000000000000001' });
  assert.deepEqual(parse('1:2:3:4:5:6:7::'), { length: 16, hex: '00010002000300040005000600070000' });
  assert.deepEqual(parse('64:ff9b::192.0.2.33'), { length: 16, hex: '0064ff9b0000000000000000c0000221' });
  assert.deepEqual(parse('1:2:3:4:5:6:192.0.2.33'), { length: 16, hex: '000100020003000400050006c0000221' });
});

test('an IPv4-mapped address is the IPv4 address', () => {
  for (const text of ['::ffff:192.0.2.1', '::FFFF:c000:201', '0:0:0:0:0:ffff:192.0.2.1']) {
    assert.deepEqual(parse(text), { length: 4, hex: 'c0000201' });
  }
  assert.equal(parse('::fffe:192.0.2.1').length, 16);
  assert.equal(parse('1::ffff:192.0.2.1').length, 16);
});

test('anything else is refused and leaves nothing behind', () => {
  const wrong = ['', '1', '1.2.3', '1.2.3.4.5', '1.2.3.256', '01.2.3.4', '1..2.3', '1.2.3.4.', '.1.2.3.4', ' 1.2.3.4'];
  wrong.push(':', ':::', '1:', ':1', '1:2', '1::2::3', '12345::', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7:8:', 'g::');
  wrong.push('1::2:3:4:5:6:7:8', '1:2:3:4:5:6:7:1.2.3.4', '::1.2.3', '::1.2.3.4:5', 'fe80::1%eth0', '::1/64', '1;2::');
  for (const text of wrong) {
    assert.equal(parse(text).length, 0, text);
    assert.ok(out.every((byte) => byte === 0));
  }
});

test('agrees with the standard library on random addresses', () => {
  fc.assert(
    fc.property(fc.ipV4(), (text) => {
      const hex = text.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
      assert.deepEqual(parse(text), { length: 4, hex: hex.join('') });
    }),
  );
  fc.assert(
    fc.property(fc.ipV6(), (text) => {
      const want = expected6(text);
      const mapped = want.startsWith(`${'0'.repeat(20)}ffff`);
      assert.deepEqual(parse(text), mapped ? { length: 4, hex: want.slice(24) } : { length: 16, hex: want });
    }),
    { numRuns: 500 },
  );
});

test('agrees with the standard library on junk', () => {
  const junk = fc.string({ unit: fc.constantFrom('0', '1', '3', ':', '::', '.', 'a', 'F', 'g'), maxLength: 24 });
  const mutated = fc
    .tuple(fc.oneof(fc.ipV6(), fc.ipV4()), fc.nat(45), fc.constantFrom('0', ':', '.', 'f', ''))
    .map(([text, at, by]) => {
      return text.slice(0, at) + by + text.slice(at + 1);
    });
  fc.assert(
    fc.property(fc.oneof(junk, mutated), (text) => {
      assert.equal(parse(text).length !== 0, isIPv4(text) || isIPv6(text));
    }),
    { numRuns: 5000 },
  );
});

test('random bytes never throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      assert.ok([0, 4, 16].includes(parseAddress(bytes, 0, bytes.length, out)));
    }),
  );
});

test('an address of a configuration as bytes, or a refusal', () => {
  assert.deepEqual(addressBytes('198.51.100.7'), Uint8Array.of(198, 51, 100, 7));
  assert.deepEqual([...addressBytes('::1')], [...new Uint8Array(15), 1]);
  assert.deepEqual([...addressBytes('2001:db8:1:2:3:4:5:6')].slice(0, 6), [0x20, 0x01, 0x0d, 0xb8, 0, 1]);
  for (const text of ['192.0.2', '', 'localhost', '192.0.2.1/32', '192.0.2.\u0131']) {
    assert.throws(() => addressBytes(text), TypeError, text);
  }
});
