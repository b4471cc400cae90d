// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { below, seededRandom } from '../../core/random/random.ts';
import { run } from '../../host/processes/process.os.ts';
import {
  attachSignature,
  authenticodeSha256,
  type Pe,
  parsePe,
  sectionContent,
  signaturesOf,
  withoutSignature,
} from './pe.ts';

/** Three programs of three linkers' habits: gaps behind the sections, none, and a length that is no multiple of 8. */
const PROGRAMS = [
  '/usr/lib/systemd/boot/efi/linuxx64.efi.stub',
  '/usr/lib/systemd/boot/efi/systemd-bootx64.efi',
  '/usr/lib/efitools/x86_64-linux-gnu/HelloWorld.efi',
];

const directory = mkdtempSync(join(tmpdir(), 'lethe-pe-'));
const at = (name: string) => join(directory, name);
before(async () => {
  const subject = ['-subj', '/CN=test/', '-days', '2', '-keyout', at('key.pem'), '-out', at('cert.pem')];
  await run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject]);
});
after(() => rmSync(directory, { recursive: true }));

function parsed(bytes: Uint8Array): Pe {
  const pe = parsePe(bytes);
  assert.ok(!('problem' in pe), JSON.stringify(pe));
  return pe;
}

test('hash, attached and detached signature are those of pesign, sbsign, sbattach and sbverify', async () => {
  for (const [index, program] of PROGRAMS.entries()) {
    const [plain, signed, pkcs7] = ['plain', 'signed', 'p7s'].map((kind) => at(`${index}.${kind}`)) as [
      string,
      string,
      string,
    ];
    writeFileSync(plain, readFileSync(program));
    await run(['sbsign', '--key', at('key.pem'), '--cert', at('cert.pem'), '--output', signed, plain]);
    await run(['sbattach', '--detach', pkcs7, signed]);

    const unsigned = parsed(readFileSync(plain));
    const theirs = readFileSync(signed);
    assert.match(
      await run(['pesign', '-h', '-d', 'sha256', '-i', signed]),
      new RegExp(authenticodeSha256(unsigned).toHex()),
    );
    assert.deepEqual(authenticodeSha256(parsed(theirs)), authenticodeSha256(unsigned));
    assert.deepEqual(Buffer.from(attachSignature(unsigned, readFileSync(pkcs7))), theirs);
    assert.deepEqual(signaturesOf(parsed(theirs)), [new Uint8Array(readFileSync(pkcs7))]);
    const bare = parsed(withoutSignature(parsed(theirs)));
    assert.equal(bare.checksum, 0);
    assert.deepEqual(Buffer.from(attachSignature(bare, readFileSync(pkcs7))), theirs);

    await run(['sbverify', '--cert', at('cert.pem'), signed]);
  }
});

test('a second signature is refused', () => {
  const pe = parsed(attachSignature(parsed(readFileSync(PROGRAMS[0] as string)), Uint8Array.of(0x30, 0)));
  assert.throws(() => attachSignature(pe, Uint8Array.of(0x30, 0)), RangeError);
});

/** A program of two sections, 64 and 32 bytes, at the places the format asks for. */
function small(): Uint8Array {
  const bytes = new Uint8Array(0x200 + 96);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0x5a4d, true);
  view.setUint32(0x3c, 0x40, true);
  view.setUint32(0x40, 0x4550, true);
  view.setUint16(0x44, 0x8664, true);
  view.setUint16(0x46, 2, true);
  view.setUint32(0x48, 1_700_000_000, true);
  view.setUint16(0x54, 240, true);
  const optional = 0x58;
  view.setUint16(optional, 0x20b, true);
  view.setUint32(optional + 32, 4096, true);
  view.setUint32(optional + 60, 0x200, true);
  view.setUint32(optional + 108, 16, true);
  const section = (index: number, name: string, numbers: readonly number[]) => {
    const start = optional + 240 + index * 40;
    bytes.set(new TextEncoder().encode(name), start);
    numbers.forEach((number, field) => {
      view.setUint32(start + 8 + field * 4, number, true);
    });
  };
  section(0, '.osrel', [5, 0x1000, 64, 0x200]);
  section(1, '.longname', [100, 0x2000, 32, 0x240]);
  bytes.set(new TextEncoder().encode('hello'), 0x200);
  return bytes;
}

function changed(offset: number, value: number, size: 2 | 4 = 4): Uint8Array {
  const bytes = small();
  const view = new DataView(bytes.buffer);
  if (size === 2) view.setUint16(offset, value, true);
  else view.setUint32(offset, value, true);
  return bytes;
}

test('sections are read', () => {
  const pe = parsed(small());
  assert.equal(pe.machine, 0x8664);
  assert.equal(pe.timestamp, 1_700_000_000);
  assert.deepEqual(
    pe.sections.map(({ name }) => name),
    ['.osrel', '.longnam'],
  );
  assert.equal(new TextDecoder().decode(sectionContent(pe, '.osrel')), 'hello');
  assert.equal(sectionContent(pe, '.longnam')?.length, 32);
  assert.equal(sectionContent(pe, '.linux'), undefined);
});

test('what no firmware would hash whole is refused, each for its reason', () => {
  const problem = (bytes: Uint8Array) => {
    const pe = parsePe(bytes);
    return 'problem' in pe ? pe.problem : undefined;
  };
  const directoryEntry = 0x58 + 144;
  assert.equal(problem(small()), undefined);
  assert.equal(problem(new Uint8Array(10)), 'not a program');
  assert.equal(problem(changed(0, 0, 2)), 'not a program');
  assert.equal(problem(changed(0x3c, 0xffff_fff0)), 'truncated');
  assert.equal(problem(changed(0x40, 0)), 'not a program');
  assert.equal(problem(changed(0x58, 0x10b, 2)), 'not a program');
  assert.equal(problem(changed(0x58 + 108, 4)), 'not a program');
  assert.equal(problem(changed(0x54, 112, 2)), 'not a program');
  assert.equal(problem(changed(0x46, 60_000, 2)), 'truncated');
  assert.equal(problem(changed(0x58 + 60, 0xffff)), 'truncated');
  assert.equal(problem(changed(0x58 + 240 + 20, 0x208)), 'sections');
  assert.equal(problem(changed(0x58 + 240 + 40 + 16, 33)), 'sections');
  assert.equal(problem(changed(0x58 + 240 + 40 + 16, 0)), undefined);
  assert.equal(problem(changed(directoryEntry, 8)), 'certificate table');
  assert.equal(problem(changed(directoryEntry + 4, 8)), 'certificate table');
  const signed = attachSignature(parsed(small()), Uint8Array.of(1, 2, 3));
  assert.equal(problem(signed.subarray(0, signed.length - 8)), 'certificate table');
  const entry = new DataView(signed.buffer);
  entry.setUint16(small().length + 4, 0x0100, true);
  assert.deepEqual(signaturesOf(parsed(signed)), { problem: 'certificate table' });
});

test('a signature table whose last entry is cut is refused', () => {
  const signed = attachSignature(parsed(small()), new Uint8Array(9));
  const table = small().length;
  new DataView(signed.buffer).setUint32(table, 16, true);
  assert.equal((signaturesOf(parsed(signed)) as { problem: string }).problem, 'certificate table');
  new DataView(signed.buffer).setUint32(table, 17, true);
  assert.equal((signaturesOf(parsed(signed)) as readonly Uint8Array[])[0]?.length, 9);
});

test('junk never leads outside the file', () => {
  const random = seededRandom('pe');
  const originals = [small(), attachSignature(parsed(small()), new Uint8Array(20).fill(7))];
  let read = 0;
  for (let round = 0; round < 200_000; round += 1) {
    const original = originals[round % 2] as Uint8Array;
    const bytes = original.slice(0, round % 7 === 0 ? below(random, original.length) : original.length);
    for (let change = 0; change <= round % 4 && bytes.length > 0; change += 1) {
      bytes[below(random, Math.min(bytes.length, 0x1a0))] = random.bytes(1)[0] as number;
    }
    const pe = parsePe(bytes);
    if ('problem' in pe) continue;
    read += 1;
    authenticodeSha256(pe);
    signaturesOf(pe);
    for (const { name } of pe.sections) sectionContent(pe, name);
    parsePe(withoutSignature(pe));
  }
  assert.ok(read > 10_000, `${read} were still programs`);
});
