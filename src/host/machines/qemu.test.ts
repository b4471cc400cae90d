// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Hardware, qemuCommand } from './qemu.ts';

const SOCKETS = { monitor: '/d/monitor', probe: '/d/probe', variables: '/d/variables.fd' };
const BARE: Hardware = { memory: 1024, processors: 2, disks: [], cards: [] };

const command = (hardware: Partial<Hardware>, kvm = false) =>
  qemuCommand({ ...BARE, ...hardware }, SOCKETS, kvm).join(' ');

test('a machine is emulated unless somebody asks for the other thing', () => {
  assert.match(command({}), /-accel tcg,thread=multi,tb-size=512 -cpu max/);
  assert.match(command({}, true), /-accel kvm -cpu host/);
});

test('an emulated machine is without what is slow to emulate, and has the processors that it is given', () => {
  assert.match(command({ processors: 1 }), /-smp 1 -accel tcg,\S+ -cpu max,-avx,-avx2,-fma,-f16c -/);
  assert.match(command({ processors: 1 }, true), /-smp 1 -accel kvm -cpu host -/);
  assert.match(command({}), /-smp 2 -accel tcg,\S+ -cpu max,-avx,-avx2,-fma,-f16c -/);
  assert.match(command({}, true), /-smp 2 -accel kvm -cpu host -/);
});

test('its firmware is the one that guards its variables, and the variables are its own', () => {
  const given = command({});
  assert.match(given, /q35,smm=on/);
  assert.match(given, /property=secure,value=on/);
  assert.match(given, /unit=0,readonly=on,file=\/usr\/share\/OVMF\/OVMF_CODE_4M.secboot.fd/);
  assert.match(given, /unit=1,file=\/d\/variables.fd/);
});

test('nothing is attached that was not asked for', () => {
  const given = command({});
  assert.match(given, /-nodefaults -no-user-config -no-reboot/);
  for (const absent of ['netdev', 'tpm', 'bootindex', 'mem-path']) assert.ok(!given.includes(absent), absent);
});

test('a medium is read-only and boots first, as a disc and as a disk; disks come after it', () => {
  const file = '/d/lethe.iso';
  assert.match(
    command({ medium: { file, as: 'cd' } }),
    /readonly=on.*\/lethe.iso,media=cdrom -device scsi-cd.*bootindex=0/,
  );
  const disk = command({ medium: { file, as: 'disk' }, disks: ['/d/a', '/d/b'] });
  assert.match(disk, /readonly=on.*\/lethe.iso -device virtio-blk-pci,id=medium,drive=medium,bootindex=0/);
  assert.match(
    disk,
    /file=\/d\/a -device virtio-blk-pci,drive=disk0 -drive .*file=\/d\/b -device virtio-blk-pci,drive=disk1/,
  );
  assert.equal(disk.match(/bootindex/g)?.length, 1);
});

test('cards bring no option ROM that would be measured; memory may be a file; a TPM is a socket', () => {
  const given = command({
    cards: [{ tap: 'tap0', mac: '52:4c:65:74:68:00' }],
    memoryFile: '/dev/shm/guest',
    tpm: '/d/tpm.sock',
  });
  assert.match(given, /tap,id=card0,ifname=tap0,script=no,downscript=no -device virtio-net-pci,.*romfile=( |$)/);
  assert.match(given, /mem-path=\/dev\/shm\/guest,share=on -machine q35,smm=on,memory-backend=ram -m 1024/);
  assert.match(given, /socket,id=tpm,path=\/d\/tpm.sock.*tpm-tis/);
});
