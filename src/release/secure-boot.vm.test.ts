// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../clock/clock.ts';
import { signAuthenticode } from '../formats/authenticode.ts';
import { attachSignature, authenticodeSha256, type Pe, parsePe } from '../formats/pe.ts';
import { parseVariableStore } from '../formats/varstore.ts';
import { spawnChild } from '../processes/process.os.ts';
import { systemRandom } from '../random/random.ts';
import { type SoftToken, softToken } from '../tokens/softhsm.os.ts';
import { createKeyring, revokeHash } from './ceremony.os.ts';
import { derOf, secureBootVariables } from './keyring.ts';

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
let soft: SoftToken;
let signed: Uint8Array;

before(async () => {
  soft = await softToken(directory);
  const keyring = await createKeyring(deps, at('keys'), 'Test', soft.key, soft.pin);
  const certificate = derOf(keyring.db[0] as string);
  signed = attachSignature(
    plain,
    await signAuthenticode(authenticodeSha256(plain), certificate, soft.key.signer(soft.pin)),
  );
});
after(() => rmSync(directory, { recursive: true }));

/** A disk that firmware boots from: `program` at the place that needs no boot entry, and other files beside it. */
function disk(program: Uint8Array, files: Readonly<Record<string, string | Uint8Array>> = {}): string {
  const root = mkdtempSync(at('disk-'));
  for (const [name, content] of Object.entries({ 'EFI/BOOT/BOOTX64.EFI': program, ...files })) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
  return root;
}

/** What the firmware writes to the serial line until it says `word`, or the machine resets. Changes `variables`. */
async function serialOf(contents: string, variables: string, word: RegExp): Promise<string> {
  rmSync(at('serial'), { force: true });
  const words =
    'qemu-system-x86_64 -nodefaults -no-user-config -no-reboot -display none -m 256 -machine q35,smm=on -accel tcg -cpu max ' +
    '-global driver=cfi.pflash01,property=secure,value=on -global ICH9-LPC.disable_s3=1';
  const flash = (unit: number, options: string) => ['-drive', `if=pflash,format=raw,unit=${unit},${options}`];
  const machine = spawnChild([
    ...words.split(' '),
    ...flash(0, 'readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.secboot.fd'),
    ...flash(1, `file=${variables}`),
    '-drive',
    `if=virtio,format=raw,file=fat:rw:${contents}`,
    '-serial',
    `file:${at('serial')}`,
  ]);
  const said = () => (existsSync(at('serial')) ? readFileSync(at('serial'), 'latin1') : '');
  try {
    const start = systemClock.elapsed();
    while (machine.running && !word.test(said())) {
      assert.ok(systemClock.elapsed() - start < PATIENCE, `no word within three minutes: ${said()}`);
      await delay(100);
    }
    return said() + machine.output();
  } finally {
    await machine.stop();
  }
}

/** Boots a program on a machine of its own that trusts the keyring. */
async function boots(program: Uint8Array, variables = at('keys/enrol/OVMF_VARS.fd')): Promise<string> {
  copyFileSync(variables, at('vars.fd'));
  return await serialOf(disk(program), at('vars.fd'), new RegExp(`${SAYS_HELLO.source}|${REFUSED.source}`));
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

test('a machine in setup mode enrols itself from the signed variables, and then trusts nobody else', async () => {
  const keyring = await createKeyring(deps, at('metal'), 'Metal', soft.key, soft.pin);
  const variables = at('metal.fd');
  copyFileSync('/usr/share/OVMF/OVMF_VARS_4M.fd', variables);
  const update = (name: string) => readFileSync(at(`metal/enrol/${name}.auth`));
  // systemd-boot takes the keys from its own disk, and resets the machine.
  const contents = disk(readFileSync('/usr/lib/systemd/boot/efi/systemd-bootx64.efi'), {
    'loader/loader.conf': 'secure-boot-enroll force\n',
    ...Object.fromEntries(['PK', 'KEK', 'db'].map((name) => [`loader/keys/auto/${name}.auth`, update(name)])),
  });
  const said = await serialOf(contents, variables, /Failed|error/i);
  const stored = parseVariableStore(readFileSync(variables));
  assert.ok(!('problem' in stored));
  const held = secureBootVariables(keyring);
  for (const name of ['PK', 'KEK', 'db'] as const) {
    assert.deepEqual(stored.find((variable) => variable.name === name)?.data, held[name], `${name}: ${said}`);
  }
  const own = attachSignature(
    plain,
    await signAuthenticode(authenticodeSha256(plain), derOf(keyring.db[0] as string), soft.key.signer(soft.pin)),
  );
  assert.match(await boots(own, variables), SAYS_HELLO);
  assert.match(await boots(plain.bytes, variables), REFUSED);
});
