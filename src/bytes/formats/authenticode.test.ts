// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { createPrivateKey, sign, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from '../../host/processes/process.os.ts';
import { signAuthenticode } from './authenticode.ts';
import { attachSignature, authenticodeSha256, type Pe, parsePe } from './pe.ts';

const PROGRAM = '/usr/lib/systemd/boot/efi/systemd-bootx64.efi';

test('sbverify and pesign accept the signature, and sbverify refuses another certificate and another program', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-authenticode-'));
  const at = (name: string) => join(directory, name);
  try {
    for (const name of ['own', 'other']) {
      const subject = ['-subj', `/O=Test/CN=${name}/`, '-days', '2', '-keyout', at(`${name}.key`)];
      await run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject, '-out', at(`${name}.pem`)]);
    }
    const key = createPrivateKey(readFileSync(at('own.key')));
    const signer = {
      algorithm: 'rsa-sha256' as const,
      sign: (message: Uint8Array) => Promise.resolve(sign('sha256', message, key)),
    };
    const certificate = new Uint8Array(new X509Certificate(readFileSync(at('own.pem'))).raw);
    const pe = parsePe(readFileSync(PROGRAM)) as Pe;
    const pkcs7 = await signAuthenticode(authenticodeSha256(pe), certificate, signer);
    assert.deepEqual(await signAuthenticode(authenticodeSha256(pe), certificate, signer), pkcs7);
    writeFileSync(at('signed.efi'), attachSignature(pe, pkcs7));
    await run(['sbverify', '--cert', at('own.pem'), at('signed.efi')]);
    assert.match(await run(['pesign', '-S', '-i', at('signed.efi')]), /common name is own/i);
    await assert.rejects(run(['sbverify', '--cert', at('other.pem'), at('signed.efi')]));
    const changed = attachSignature(pe, pkcs7);
    changed[2000] = (changed[2000] as number) ^ 1;
    writeFileSync(at('changed.efi'), changed);
    await assert.rejects(run(['sbverify', '--cert', at('own.pem'), at('changed.efi')]));
  } finally {
    rmSync(directory, { recursive: true });
  }
});
