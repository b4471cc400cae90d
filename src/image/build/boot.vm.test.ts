// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type BuiltImage, builtImage } from '../../../proof/labs/image/built-image.os.ts';
import { programOf, type TestOperator, testOperator } from '../../../proof/labs/release/test-operator.os.ts';
import { sha256 } from '../../bytes/formats/fingerprint.ts';
import { sectionContent } from '../../bytes/formats/pe.ts';
import { parseQuote } from '../../bytes/formats/tpm.ts';
import { type Machine, type MachineOptions, startMachine } from '../../host/machines/machine.os.ts';
import { BLANK_VARIABLES } from '../../host/machines/qemu.ts';
import { makeTpm, tpmFactory } from '../../host/machines/swtpm.os.ts';
import { run } from '../../host/processes/process.os.ts';
import { predictPcrs, RELEASE_PCRS, type ReleasePcrs } from '../../verify/attestation/prediction.ts';
import { readBuild } from './build.os.ts';
import { makeIso } from './iso.os.ts';

/*
 * The image in a machine with Secure Boot and a TPM: it boots from RAM and forgets, and whatever was changed about it
 * does not come up. Each test says at which marker it is satisfied; the limits are for machines much slower than ours.
 */

/** Milliseconds until a marker must have come. */
const LIMIT = 400_000;
const REFUSED_BY_FIRMWARE = /Access Denied|Security Violation/;
const FIRST_WORDS = /lethe-initrd: looks for the medium/;

const directory = mkdtempSync(join(tmpdir(), 'lethe-boot-'));
const at = (name: string) => join(directory, name);
let built: BuiltImage;
let operator: TestOperator;
let uki: Buffer;
let signed: Uint8Array;

before(async () => {
  built = await builtImage();
  operator = await testOperator(at('operator'));
  uki = readFileSync(join(built.probe, 'uki.efi'));
  signed = await operator.sign(uki);
  await makeTpm(tpmFactory(at('factory')), at('tpm'), 'boot');
});
after(() => rmSync(directory, { recursive: true, force: true }));

/** A medium with this unified kernel image on it, beside the root image that it names. */
async function medium(name: string, program: Uint8Array): Promise<string> {
  writeFileSync(at(`${name}.efi`), program);
  await makeIso(built.probe, at(`${name}.efi`), at(`${name}.iso`));
  return at(`${name}.iso`);
}

async function withMachine(options: Partial<MachineOptions>, work: (machine: Machine) => Promise<void>): Promise<void> {
  const machine = await startMachine({ variables: operator.variables, tpm: at('tpm'), processors: 1, ...options });
  try {
    await work(machine);
  } finally {
    await machine.close();
  }
}

/** The PCRs that a release decides, signed by the machine's TPM in the guest and checked here. */
async function quoted({ probe }: Machine): Promise<ReleasePcrs> {
  const nonce = '00112233445566778899aabbccddeeff';
  const selection = `sha256:${RELEASE_PCRS.join(',')}`;
  await probe.text(`set -e; mkdir -p /run/quote; cd /run/quote; export TPM2TOOLS_TCTI=device:/dev/tpmrm0
    tpm2_createek -Q -c ek.ctx -G rsa -u ek.pub
    tpm2_createak -Q -C ek.ctx -c ak.ctx -G ecc -g sha256 -s ecdsa -u ak.pub -n ak.name
    tpm2_quote -Q -c ak.ctx -l ${selection} -q ${nonce} -m quote -s signature -o pcrs -g sha256 -F values`);
  for (const name of ['ak.pub', 'quote', 'signature', 'pcrs']) {
    writeFileSync(at(name), await probe.file(`/run/quote/${name}`));
  }
  const files = ['-m', at('quote'), '-s', at('signature'), '-u', at('ak.pub')];
  await run(['tpm2_checkquote', '-Q', ...files, '-g', 'sha256', '-q', nonce]);
  const values = new Uint8Array(await probe.file('/run/quote/pcrs'));
  const quote = parseQuote(new Uint8Array(readFileSync(at('quote'))));
  assert.ok(typeof quote === 'object');
  assert.deepEqual(quote.pcrDigest, sha256(values));
  const value = (index: number) => new Uint8Array(values.subarray(index * 32, index * 32 + 32));
  return { 4: value(0), 7: value(1), 9: value(2), 11: value(3) };
}

const hex = (pcrs: ReleasePcrs) => RELEASE_PCRS.map((pcr) => `${pcr} ${pcrs[pcr].toHex()}`);

test('the signed image boots from a disc, needs it no more, touches no disk, and forgets everything', async () => {
  const file = await medium('good', signed);
  const disks = [at('disk-a'), at('disk-b')];
  for (const disk of disks) await run(['truncate', '-s', '64M', disk]);
  const expected = hex(predictPcrs(programOf(uki), operator.trust));
  const asked = 'cat /proc/sys/net/ipv4/tcp_keepalive_time; ls -A /etc /root /var';
  let fresh = '';

  await withMachine({ medium: { file, as: 'cd' }, disks }, async (machine) => {
    await machine.console.waitFor(/lethe-initrd: verified every block/, LIMIT);
    await machine.console.waitFor(/lethe-probe: ready/, LIMIT);
    const { probe } = machine;
    fresh = await probe.text(asked);

    assert.match(await probe.text('cat /proc/mounts'), /^overlay \/ overlay ro,nosuid,nodev,/m);
    assert.doesNotMatch(await probe.text('cat /proc/mounts'), /^\/dev\/(sr|vd|sd|loop)/m);
    assert.match(await probe.text('cat /sys/kernel/security/lockdown'), /\[confidentiality\]/);
    assert.deepEqual(hex(await quoted(machine)), expected);

    await machine.eject();
    assert.notEqual((await probe.run('dd if=/dev/sr0 of=/dev/null bs=2048 count=1')).code, 0);
    await probe.text('echo 3 > /proc/sys/vm/drop_caches');
    assert.match(await probe.text('unbound -V'), /^Version /);

    assert.deepEqual((await probe.text('cat /sys/block/vda/size /sys/block/vdb/size')).split('\n'), [
      '131072',
      '131072',
      '',
    ]);
    // Somebody who is root makes the root writable first; what is written then is in RAM as well.
    await probe.text('set -e; mount -o remount,rw /; dd if=/dev/urandom of=/var/traffic bs=1M count=16; sync');
    await probe.text('echo here > /etc/somebody');
    await probe.text('echo 1234 > /proc/sys/net/ipv4/tcp_keepalive_time; echo > /root/.history');
    assert.notEqual(await probe.text(asked), fresh);
    await machine.powerOff();
  });
  assert.deepEqual(disks.map(isBlank), [true, true]);

  await withMachine({ medium: { file, as: 'disk' }, disks }, async (machine) => {
    await machine.console.waitFor(/lethe-probe: ready/, LIMIT);
    assert.equal(await machine.probe.text(asked), fresh);
    assert.deepEqual(hex(await quoted(machine)), expected);
    // The check above would have seen a single byte on a disk.
    await machine.probe.text('printf x | dd of=/dev/vdc bs=1 seek=50000000 conv=notrunc; sync');
    await machine.powerOff();
  });
  assert.deepEqual(disks.map(isBlank), [true, false]);
});

function isBlank(disk: string): boolean {
  const bytes = readFileSync(disk);
  assert.equal(bytes.length, 64 << 20);
  return bytes.equals(Buffer.alloc(bytes.length));
}

test('firmware refuses the image without a signature, with a signature of others, with another command line, and revoked', async () => {
  const others = await testOperator(at('others'));
  const commandLine = Buffer.from(sectionContent(programOf(uki), '.cmdline') as Uint8Array);
  const edited = Buffer.from(signed);
  const place = edited.indexOf(commandLine);
  assert.ok(place > 0);
  edited[place + commandLine.indexOf('lockdown')] = 'k'.charCodeAt(0);
  const cases: readonly [string, Uint8Array, Uint8Array][] = [
    ['unsigned', uki, operator.variables],
    ['others', await others.sign(uki), operator.variables],
    ['edited', edited, operator.variables],
    ['revoked', signed, await operator.revoked(uki)],
  ];
  for (const [name, program, variables] of cases) {
    const file = await medium(name, program);
    await withMachine({ medium: { file, as: 'cd' }, variables }, async ({ console }) => {
      await console.waitFor(REFUSED_BY_FIRMWARE, LIMIT);
      assert.doesNotMatch(console.text, FIRST_WORDS, name);
    });
  }
});

test('one bit that changed in the system, or in its hash tree, and the machine goes off', async () => {
  const file = await medium('flipped', signed);
  const iso = readFileSync(file);
  const root = readFileSync(join(built.probe, 'root.img'));
  const start = iso.indexOf(root.subarray(0, 65_536));
  const { hashOffset } = readBuild(built.probe);
  assert.ok(start > 0 && hashOffset < root.length);
  for (const place of [Math.floor(hashOffset * 0.7), root.length - 2000]) {
    iso[start + place] = (iso[start + place] as number) ^ 4;
    writeFileSync(file, iso);
    iso[start + place] = (iso[start + place] as number) ^ 4;
    await withMachine({ medium: { file, as: 'cd' } }, async (machine) => {
      await machine.console.waitFor(/dm-verity device corrupted|BOOT-REFUSED/, LIMIT);
      await machine.off;
      assert.match(machine.console.text, FIRST_WORDS);
      assert.doesNotMatch(machine.console.text, /lethe-initrd: switches root/);
    });
  }
});

test('without Secure Boot it boots unsigned, and its TPM says so', async () => {
  const file = await medium('unsigned-again', uki);
  const expected = predictPcrs(programOf(uki), operator.trust);
  await withMachine({ medium: { file, as: 'cd' }, variables: readFileSync(BLANK_VARIABLES) }, async (machine) => {
    await machine.console.waitFor(FIRST_WORDS, LIMIT);
    await machine.console.waitFor(/lethe-probe: ready/, LIMIT);
    const found = await quoted(machine);
    assert.notDeepEqual(found[4], expected[4]);
    assert.notDeepEqual(found[7], expected[7]);
    // What the stub measures is the same: no machine may be accepted for PCR 9 and 11 alone.
    assert.deepEqual([found[9], found[11]], [expected[9], expected[11]]);
  });
});
