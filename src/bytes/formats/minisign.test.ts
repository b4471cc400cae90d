// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from '../../host/processes/process.os.ts';
import { minisignature, minisignKey } from './minisign.ts';

test('minisign accepts the signature and shows the trusted comment, and refuses another text', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-minisign-'));
  try {
    const key = minisignKey(generateKeyPairSync('ed25519').privateKey);
    const message = '{"locations":[]}';
    const file = join(directory, 'list.json');
    writeFileSync(file, message);
    writeFileSync(`${file}.minisig`, minisignature(key, Buffer.from(message), 'locations 2026-11-21'));
    const verify = ['minisign', '-V', '-P', key.publicKey, '-m', file];
    assert.match(await run(verify), /Trusted comment: locations 2026-11-21/);
    writeFileSync(file, `${message} `);
    await assert.rejects(run(verify), /Signature verification failed/);
    const other = minisignKey(generateKeyPairSync('ed25519').privateKey);
    await assert.rejects(run(['minisign', '-V', '-P', other.publicKey, '-m', file]));
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('a trusted comment of two lines is refused', () => {
  const key = minisignKey(generateKeyPairSync('ed25519').privateKey);
  assert.throws(() => minisignature(key, new Uint8Array(), 'one\ntwo'), RangeError);
});
