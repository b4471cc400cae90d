// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { RecordingJournal } from '../../core/journal/journal.ts';
import { ConfigurationCheck } from './configuration-check.os.ts';
import { readExpected } from './expected.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const stranger = generateKeyPairSync('ed25519').privateKey;
const DOMAIN = 'lethe expected configuration v1\n';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

function signed(document: unknown, key = privateKey): { body: Uint8Array; signature: string } {
  const text = typeof document === 'string' ? document : JSON.stringify(document);
  return { body: Buffer.from(text), signature: sign(null, Buffer.from(DOMAIN + text), key).toString('base64') };
}

const DOCUMENT = {
  gateway: 'zrh-01',
  serial: 5,
  location: 'ch-zrh',
  release: '0.1.0',
  files: { 'openvpn-udp.conf': sha256('verb 0\n'), 'unbound/unbound.conf': sha256('server:\n') },
};

function withDirectory(use: (check: ConfigurationCheck, journal: RecordingJournal, directory: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-expected-'));
  mkdirSync(join(directory, 'unbound'));
  writeFileSync(join(directory, 'openvpn-udp.conf'), 'verb 0\n');
  writeFileSync(join(directory, 'unbound', 'unbound.conf'), 'server:\n');
  const journal = new RecordingJournal();
  const own = { gateway: 'zrh-01', location: 'ch-zrh', release: '0.1.0', directory };
  try {
    use(new ConfigurationCheck(own, publicKey, journal), journal, directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('a gateway that looks as expected says so once', () => {
  withDirectory((check, journal) => {
    assert.equal(check.check(), 'drifted', 'nothing is expected yet');
    const { body, signature } = signed(DOCUMENT);
    assert.equal(check.offer(body, signature), 'in_force');
    assert.equal(check.check(), 'in_force');
    assert.equal(check.check(), 'in_force');
    assert.deepEqual(journal.codes(), ['config_in_force']);
  });
});

test('a file that differs or is missing is drift, and drift ends when it is put right', () => {
  withDirectory((check, journal, directory) => {
    const { body, signature } = signed(DOCUMENT);
    check.offer(body, signature);
    writeFileSync(join(directory, 'openvpn-udp.conf'), 'verb 4\n');
    assert.equal(check.check(), 'drifted');
    assert.equal(check.check(), 'drifted');
    writeFileSync(join(directory, 'openvpn-udp.conf'), 'verb 0\n');
    rmSync(join(directory, 'unbound', 'unbound.conf'));
    assert.equal(check.check(), 'drifted');
    writeFileSync(join(directory, 'unbound', 'unbound.conf'), 'server:\n');
    assert.equal(check.check(), 'in_force');
    assert.deepEqual(journal.events, [
      { code: 'config_drifted', file: 'openvpn-udp.conf' },
      { code: 'config_drifted', file: 'unbound.unbound.conf' },
      { code: 'config_in_force' },
    ]);
  });
});

test('another release or location is drift as well', () => {
  withDirectory((check, journal) => {
    for (const [serial, change] of [{ release: '0.2.0' }, { location: 'de-fra' }].entries()) {
      const { body, signature } = signed({ ...DOCUMENT, ...change, serial });
      assert.equal(check.offer(body, signature), 'in_force');
      assert.equal(check.check(), 'drifted');
    }
    assert.deepEqual(journal.events, [
      { code: 'config_drifted', file: 'release' },
      { code: 'config_drifted', file: 'location' },
    ]);
  });
});

test('what is refused leaves the old document in force, and is said once', () => {
  withDirectory((check, journal) => {
    const first = signed(DOCUMENT);
    check.offer(first.body, first.signature);
    const forged = signed(DOCUMENT, stranger);
    assert.equal(check.offer(forged.body, forged.signature), 'signature');
    assert.equal(check.offer(forged.body, forged.signature), 'signature');
    const old = signed({ ...DOCUMENT, serial: 4, release: '0.0.1' });
    assert.equal(check.offer(old.body, old.signature), 'rollback');
    assert.equal(check.check(), 'in_force');
    assert.equal(check.offer(first.body, first.signature), 'in_force', 'the same serial is no rollback');
    assert.deepEqual(journal.events.slice(0, 2), [
      { code: 'expected_refused', reason: 'signature' },
      { code: 'expected_refused', reason: 'rollback' },
    ]);
  });
});

test('every document that is not exactly one is refused', () => {
  const read = ({ body, signature }: { body: Uint8Array; signature: string | undefined }) =>
    readExpected(body, signature, { key: publicKey, gateway: 'zrh-01', inForce: undefined });
  const good = signed(DOCUMENT);
  assert.deepEqual(read(good), DOCUMENT);
  assert.equal(read({ ...good, signature: undefined }), 'signature');
  assert.equal(read({ ...good, signature: '' }), 'signature');
  assert.equal(read({ ...good, body: good.body.subarray(1) }), 'signature');
  assert.equal(read(signed({ ...DOCUMENT, gateway: 'fra-01' })), 'stranger');
  for (const junk of [
    '',
    'null',
    '{',
    { ...DOCUMENT, extra: 1 },
    { ...DOCUMENT, serial: -1 },
    { ...DOCUMENT, files: { '../../etc/shadow': sha256('') } },
    { ...DOCUMENT, files: { '/etc/shadow': sha256('') } },
    { ...DOCUMENT, files: { a: 'short' } },
  ]) {
    assert.equal(read(signed(junk)), 'format');
  }
  fc.assert(fc.property(fc.uint8Array(), fc.string(), (body, signature) => read({ body, signature }) === 'signature'));
});
