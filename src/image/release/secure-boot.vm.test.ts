// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { builtImage } from '../../../proof/labs/image/built-image.os.ts';
import { sampleBuild } from '../../../proof/labs/release/sample-build.os.ts';
import { type SoftToken, softToken } from '../../../proof/labs/tokens/softhsm.os.ts';
import { signAuthenticode } from '../../bytes/formats/authenticode.ts';
import { GUID } from '../../bytes/formats/efi.ts';
import { attachSignature, authenticodeSha256, type Pe, parsePe } from '../../bytes/formats/pe.ts';
import { parseVariableStore } from '../../bytes/formats/varstore.ts';
import { derOf, fingerprint, secureBootVariables } from '../../contracts/release/keyring.ts';
import { systemClock } from '../../core/clock/clock.ts';
import { systemRandom } from '../../core/random/random.ts';
import { run, spawnChild } from '../../host/processes/process.os.ts';
import { openCache } from '../build/fetch.os.ts';
import { kernelOf } from '../build/lockfile.ts';
import { imageState, readLock } from '../build/state.os.ts';
import { TokenKey } from '../tokens/token.os.ts';
import { addSigner, createKeyring, replaceKey, retireSigner, revokeHash } from './ceremony.os.ts';

/*
 * The firmware itself judges what the ceremony has enrolled: OVMF with Secure Boot, a store of ours, and a small program
 * that says a sentence of its own when it may run.
 */

const PROGRAM = '/usr/lib/efitools/x86_64-linux-gnu/HelloWorld.efi';
const SAYS_HELLO = /This file is used to prove/;
const REFUSED = /Access Denied|Security Violation/;
const TIMEOUT = 400_000;

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
    'qemu-system-x86_64 -nodefaults -no-user-config -no-reboot -display none -m 512 -machine q35,smm=on -accel tcg -cpu max ' +
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
      assert.ok(systemClock.elapsed() - start < TIMEOUT, `no word in time: ${said()}`);
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

/** Hands signed variables to the firmware as a running system does, in the order of the list, and says how each went. */
const UPDATER = `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
insmod /efivarfs.ko
mount -t efivarfs efivarfs /sys/firmware/efi/efivars
while read -r file name vendor; do
  variable="/sys/firmware/efi/efivars/$name-$vendor"
  if [ -e "$variable" ]; then /usr/bin/chattr -i "$variable"; fi
  { printf '\\047\\000\\000\\000'; cat "/$file"; } >/update
  if dd if=/update of="$variable" bs=1M 2>/dev/null; then echo "UPDATE $file taken"; else echo "UPDATE $file refused"; fi
done </list
echo UPDATES-DONE
poweroff -f
`;

/** A small system of the image's own kernel that gives these updates to the machine it is booted on. Not signed. */
async function updater(updates: readonly (readonly [file: string, name: string, content: Uint8Array])[]): Promise<Pe> {
  const { release } = await builtImage();
  const { entry, release: kernel } = kernelOf(readLock(join(release, 'packages.lock')));
  const [unpacked, initrd] = [mkdtempSync(at('kernel-')), mkdtempSync(at('initrd-'))];
  await run(['dpkg-deb', '--extract', openCache(imageState().cache).pathOf(entry), unpacked]);
  for (const directoryOf of ['bin', 'proc', 'sys']) mkdirSync(join(initrd, directoryOf));
  copyFileSync('/bin/busybox', join(initrd, 'bin/busybox'));
  copyFileSync(join(unpacked, `lib/modules/${kernel}/kernel/fs/efivarfs/efivarfs.ko`), join(initrd, 'efivarfs.ko'));
  // chattr and its libraries: the kernel guards these variables against accidents, and busybox has no such applet.
  const libraries = [...(await run(['ldd', '/usr/bin/chattr'])).matchAll(/(\/\S+)/g)].map(([, path = '']) => path);
  await run(['cp', '--parents', '--dereference', '/usr/bin/chattr', ...libraries, initrd]);
  writeFileSync(join(initrd, 'init'), UPDATER, { mode: 0o755 });
  const vendor = (name: string) => (name.startsWith('db') ? GUID.imageSecurity : GUID.globalVariable);
  writeFileSync(join(initrd, 'list'), updates.map(([file, name]) => `${file} ${name} ${vendor(name)}\n`).join(''));
  for (const [file, , content] of updates) writeFileSync(join(initrd, file), content);
  await run(['sh', '-euc', `cd "$1"; find . | cpio --quiet -o -H newc >"$2"`, 'sh', initrd, at('initrd')]);
  const build = mkdtempSync(at('updater-'));
  await sampleBuild(build, {
    contents: {
      vmlinuz: readFileSync(join(unpacked, 'boot', `vmlinuz-${kernel}`)),
      'initrd.zst': readFileSync(at('initrd')),
      cmdline: 'console=ttyS0 quiet panic=-1',
    },
  });
  return parsePe(readFileSync(join(build, 'uki.efi'))) as Pe;
}

test('a machine that has keys takes signed updates: revocation, another signer, another KEK, another PK', async () => {
  const keys = at('updated');
  const first = await createKeyring(deps, keys, 'First', soft.key, soft.pin);
  copyFileSync(join(keys, 'enrol/OVMF_VARS.fd'), at('updated.fd'));
  const updates: [string, string, Uint8Array][] = [];
  const give = (file: string, name: string, from = `${name}.auth`) => {
    updates.push([file, name, readFileSync(join(keys, 'enrol', from))]);
  };
  const next = new TokenKey(soft, { token: 'release', key: 'object:next' });
  await next.generate(soft.pin, '0b', 2048);
  await revokeHash(deps, keys, 'ee'.repeat(32));
  give('revocation', 'dbx');
  await addSigner(deps, keys, 'First', next, soft.pin);
  give('signer', 'db');
  await replaceKey(deps, keys, 'KEK', 'Second');
  give('too-early', 'db');
  give('kek', 'KEK');
  await replaceKey(deps, keys, 'PK', 'Second');
  give('wrong-pk', 'PK');
  give('pk', 'PK', 'PK.update.auth');
  const last = await retireSigner(deps, keys, fingerprint(first.db[0] as string));
  give('retired', 'db');

  const program = await updater(updates);
  const certificate = derOf(first.db[0] as string);
  const pkcs7 = await signAuthenticode(authenticodeSha256(program), certificate, soft.key.signer(soft.pin));
  const contents = disk(attachSignature(program, pkcs7));
  const said = await serialOf(contents, at('updated.fd'), /UPDATES-DONE|Kernel panic|Access Denied/);
  assert.deepEqual(
    [...said.matchAll(/UPDATE (\S+ \S+)/g)].map(([, line]) => line),
    [
      'revocation taken',
      'signer taken',
      'too-early refused',
      'kek taken',
      'wrong-pk refused',
      'pk taken',
      'retired taken',
    ],
  );
  const stored = parseVariableStore(readFileSync(at('updated.fd')));
  assert.ok(!('problem' in stored));
  const held = secureBootVariables(last);
  for (const name of ['PK', 'KEK', 'db', 'dbx'] as const) {
    assert.deepEqual(stored.find((variable) => variable.name === name)?.data, held[name], name);
  }
});
