// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { below, seededRandom } from '../../core/random/random.ts';
import { run } from '../../host/processes/process.os.ts';
import {
  GUID,
  type Guid,
  guidAt,
  guidBytes,
  measuredVariable,
  parseGuid,
  parseSignatureLists,
  type Signature,
  signatureLists,
} from './efi.ts';

const OWNER = '12345678-9abc-def0-1122-334455667788' as Guid;

test('a GUID is text in one order and bytes in another', () => {
  assert.equal(guidBytes(OWNER).toHex(), '78563412bc9af0de1122334455667788');
  assert.equal(guidAt(guidBytes(OWNER), 0), OWNER);
  assert.equal(parseGuid(OWNER), OWNER);
  assert.equal(parseGuid(OWNER.toUpperCase()), undefined);
  assert.equal(parseGuid('{12345678}'), undefined);
});

test('signature lists are those of cert-to-efi-sig-list and hash-to-efi-sig-list', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-efi-'));
  const at = (name: string) => join(directory, name);
  try {
    const subject = ['-subj', '/CN=test/', '-days', '2', '-keyout', at('key.pem'), '-out', at('cert.pem')];
    await run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject]);
    await run(['cert-to-efi-sig-list', '-g', OWNER, at('cert.pem'), at('cert.esl')]);
    const certificate = new Uint8Array(new X509Certificate(readFileSync(at('cert.pem'))).raw);
    const entry: Signature = { type: 'x509', owner: OWNER, data: certificate };
    assert.deepEqual(Buffer.from(signatureLists([entry])), readFileSync(at('cert.esl')));
    assert.deepEqual(parseSignatureLists(readFileSync(at('cert.esl'))), [entry]);

    const program = '/usr/lib/efitools/x86_64-linux-gnu/HelloWorld.efi';
    await run(['hash-to-efi-sig-list', program, program, at('hash.esl')]);
    const hashes = parseSignatureLists(readFileSync(at('hash.esl'))) as readonly Signature[];
    assert.deepEqual(
      hashes.map(({ type }) => type),
      ['sha256', 'sha256'],
    );
    assert.deepEqual(Buffer.from(signatureLists(hashes)), readFileSync(at('hash.esl')));
    const mixed = [...hashes, entry, entry, ...hashes];
    writeFileSync(at('mixed.esl'), signatureLists(mixed));
    assert.deepEqual(parseSignatureLists(readFileSync(at('mixed.esl'))), mixed);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('nothing is no bytes, and broken lists are refused', () => {
  assert.equal(signatureLists([]).length, 0);
  assert.deepEqual(parseSignatureLists(new Uint8Array()), []);
  const good = signatureLists([{ type: 'sha256', owner: OWNER, data: new Uint8Array(32) }]);
  const broken = (offset: number, value: number) => {
    const bytes = good.slice();
    bytes[offset] = value;
    return parseSignatureLists(bytes);
  };
  assert.equal(parseSignatureLists(good)?.length, 1);
  assert.equal(parseSignatureLists(good.subarray(0, 20)), undefined);
  assert.equal(parseSignatureLists(good.subarray(0, good.length - 1)), undefined);
  assert.equal(broken(0, 0), undefined, 'another type');
  assert.equal(broken(16, 20), undefined, 'shorter than its header');
  assert.equal(broken(20, 1), undefined, 'a header of its own');
  assert.equal(broken(24, 0), undefined, 'entries without size');
  assert.equal(broken(24, 24), undefined, 'hashes of another length');
});

test('junk is refused or read, and never throws', () => {
  const random = seededRandom('efi');
  const good = signatureLists([
    { type: 'sha256', owner: OWNER, data: new Uint8Array(32) },
    { type: 'x509', owner: OWNER, data: new Uint8Array(40) },
  ]);
  let read = 0;
  for (let round = 0; round < 200_000; round += 1) {
    const bytes = good.slice(0, round % 5 === 0 ? below(random, good.length) : good.length);
    for (let change = 0; change <= round % 3 && bytes.length > 0; change += 1) {
      bytes[below(random, bytes.length)] = random.bytes(1)[0] as number;
    }
    const found = parseSignatureLists(bytes);
    if (found === undefined) continue;
    read += 1;
    assert.ok(found.every(({ data }) => data.length <= bytes.length));
  }
  assert.ok(read > 10_000, `${read} could be read`);
});

test('a measured variable is laid out as the event log shows it', () => {
  const measured = measuredVariable(GUID.globalVariable, 'SecureBoot', Uint8Array.of(1));
  assert.equal(
    measured.toHex(),
    `61dfe48bca93d211aa0d00e098032b8c0a000000000000000100000000000000${Buffer.from('SecureBoot', 'utf16le').toString('hex')}01`,
  );
  // The digest that OVMF logs for this event on every machine with Secure Boot on.
  assert.equal(
    createHash('sha256').update(measured).digest('hex'),
    'ccfc4bb32888a345bc8aeadaba552b627d99348c767681ab3141f5b01e40a40e',
  );
});
