// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../clock/clock.ts';
import { signAuthenticode } from '../formats/authenticode.ts';
import { attachSignature, authenticodeSha256, type Pe, parsePe } from '../formats/pe.ts';
import { spawnChild } from '../processes/process.os.ts';
import { systemRandom } from '../random/random.ts';
import { softToken } from '../tokens/softhsm.os.ts';
import { createKeyring, revokeHash } from './ceremony.os.ts';
import { derOf } from './keyring.ts';

/*
 * The firmware itself judges what the ceremony has enrolled: OVMF with Secure Boot, a store of ours, and a small program
 * that says a sentence of its own when it may run.
 */

const PROGRAM = '/usr/lib/efitools/x86_64-linux-gnu/HelloWorld.efi';
const SAYS_HELLO = /This file is used to prove/;
const REFUSED = /Access Denied|Security Violation/;
const PATIENCE = 180_000;

const directory = mkdtempSync(join(tmpdir(), 'lethe-secure-boot-'));
const at = (name: string) => join(directory, name);
const deps = { clock: systemClock, random: systemRandom };
const plain = parsePe(readFileSync(PROGRAM)) as Pe;
let signed: Uint8Array;

before(async () => {
  const soft = await softToken(directory);
  const keyring = await createKeyring(deps, at('keys'), 'Test', soft.key, soft.pin);
  const certificate = derOf(keyring.db[0] as string);
  signed = attachSignature(
    plain,
    await signAuthenticode(authenticodeSha256(plain), certificate, soft.key.signer(soft.pin)),
  );
});
after(() => rmSync(directory, { recursive: true }));

/** What the firmware writes to the serial line until it has run the program or refused it. */
async function boots(program: Uint8Array): Promise<string> {
  const disk = at('disk');
  mkdirSync(join(disk, 'EFI', 'BOOT'), { recursive: true });
  writeFileSync(join(disk, 'EFI', 'BOOT', 'BOOTX64.EFI'), program);
  copyFileSync(at('keys/enrol/OVMF_VARS.fd'), at('vars.fd'));
  rmSync(at('serial'), { force: true });
  const flash = (unit: number, file: string, options = '') => [
    '-drive',
    `if=pflash,format=raw,unit=${unit}${options},file=${file}`,
  ];
  const words =
    'qemu-system-x86_64 -nodefaults -no-user-config -no-reboot -display none -m 256 -machine q35,smm=on -accel tcg -cpu max ' +
    '-global driver=cfi.pflash01,property=secure,value=on -global ICH9-LPC.disable_s3=1';
  const drive = ['-drive', `if=virtio,format=raw,file=fat:rw:${disk}`, '-serial', `file:${at('serial')}`];
  const firmware = flash(0, '/usr/share/OVMF/OVMF_CODE_4M.secboot.fd', ',readonly=on');
  const machine = spawnChild([...words.split(' '), ...firmware, ...flash(1, at('vars.fd')), ...drive]);
  const said = () => (existsSync(at('serial')) ? readFileSync(at('serial'), 'latin1') : '');
  try {
    const start = systemClock.elapsed();
    while (machine.running && !SAYS_HELLO.test(said()) && !REFUSED.test(said())) {
      assert.ok(systemClock.elapsed() - start < PATIENCE, `no word within three minutes: ${said()}`);
      await delay(100);
    }
    return said() + machine.output();
  } finally {
    await machine.stop();
  }
}

test('firmware runs what the token has signed, and refuses it unsigned, changed and revoked', async () => {
  assert.match(await boots(signed), SAYS_HELLO);
  assert.match(await boots(plain.bytes), REFUSED);
  const changed = signed.slice();
  changed[plain.headers + 9] = (changed[plain.headers + 9] as number) ^ 1;
  assert.match(await boots(changed), REFUSED);
  await revokeHash(deps, at('keys'), authenticodeSha256(plain).toHex());
  assert.match(await boots(signed), REFUSED);
});
