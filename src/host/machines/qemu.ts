// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Card } from './cabling.os.ts';

/** The devices of a virtual machine. Their order decides addresses on the bus, and with them PCR 0, 1 and 2. */
export interface Hardware {
  /** MiB */
  readonly memory: number;
  readonly processors: 1 | 2;
  /** A file that holds the guest's memory while it runs, for tests that search it. */
  readonly memoryFile?: string;
  readonly medium?: Medium;
  /** Files that are further disks, without a place in the boot order. */
  readonly disks: readonly string[];
  readonly cards: readonly Card[];
  /** Control socket of swtpm. */
  readonly tpm?: string;
}

/** What the machine boots from; nothing is ever written to it. */
export interface Medium {
  readonly file: string;
  readonly as: 'cd' | 'disk';
}

/** Where QEMU and we meet. Absolute paths: it runs in another directory, and perhaps in another mount namespace. */
export interface Sockets {
  readonly monitor: string;
  /** The virtio-serial port of images for tests. */
  readonly probe: string;
  /** The machine's own copy of the firmware's variables. */
  readonly variables: string;
}

/** Firmware of the package ovmf that keeps its variables out of the operating system's reach (SMM). */
export const FIRMWARE = '/usr/share/OVMF/OVMF_CODE_4M.secboot.fd';
/** Its variables as delivered: no keys, Secure Boot off. */
export const BLANK_VARIABLES = '/usr/share/OVMF/OVMF_VARS_4M.fd';

/** Name of the medium's drive for the monitor. */
export const MEDIUM = 'medium';

/** Emulated on purpose: that /dev/kvm exists does not mean that firmware runs on it. LETHE_KVM=1 opts in. */
function processors(kvm: boolean, count: number): string[] {
  const model = `max,${SLOW.map((feature) => `-${feature}`).join(',')}`;
  const kind = kvm ? ['-accel', 'kvm', '-cpu', 'host'] : ['-accel', 'tcg,thread=multi,tb-size=512', '-cpu', model];
  return ['-smp', String(count), ...kind];
}

/** What takes longer to emulate than what programs do without it: the root image is hashed in a third of the time. */
const SLOW = ['avx', 'avx2', 'fma', 'f16c'];

function memory({ memory: size, memoryFile }: Hardware): string[] {
  const machine = 'q35,smm=on';
  if (memoryFile === undefined) return ['-machine', machine, '-m', String(size)];
  const backend = `memory-backend-file,id=ram,size=${size}M,mem-path=${memoryFile},share=on`;
  return ['-object', backend, '-machine', `${machine},memory-backend=ram`, '-m', String(size)];
}

function firmware(variables: string): string[] {
  return [
    ['-global', 'driver=cfi.pflash01,property=secure,value=on', '-global', 'ICH9-LPC.disable_s3=1'],
    ['-drive', `if=pflash,format=raw,unit=0,readonly=on,file=${FIRMWARE}`],
    ['-drive', `if=pflash,format=raw,unit=1,file=${variables}`],
  ].flat();
}

function tpm(socket: string | undefined): string[] {
  if (socket === undefined) return [];
  return [
    ['-chardev', `socket,id=tpm,path=${socket}`, '-tpmdev', 'emulator,id=tpm,chardev=tpm'],
    ['-device', 'tpm-tis,tpmdev=tpm'],
  ].flat();
}

function medium(given: Medium | undefined): string[] {
  if (given === undefined) return [];
  const drive = `if=none,id=${MEDIUM},readonly=on,format=raw,file=${given.file}`;
  return given.as === 'cd'
    ? ['-drive', `${drive},media=cdrom`, '-device', `scsi-cd,id=${MEDIUM},drive=${MEDIUM},bus=scsi.0,bootindex=0`]
    : ['-drive', drive, '-device', `virtio-blk-pci,id=${MEDIUM},drive=${MEDIUM},bootindex=0`];
}

function disk(file: string, index: number): string[] {
  return [
    ['-drive', `if=none,id=disk${index},format=raw,file=${file}`],
    ['-device', `virtio-blk-pci,drive=disk${index}`],
  ].flat();
}

/** Without an option ROM, which would be measured. */
function card({ tap, mac }: Card, index: number): string[] {
  return [
    ['-netdev', `tap,id=card${index},ifname=${tap},script=no,downscript=no`],
    ['-device', `virtio-net-pci,netdev=card${index},mac=${mac},romfile=`],
  ].flat();
}

/** The serial console is QEMU's standard output. A machine that resets, as after a kernel panic, ends. */
export function qemuCommand(hardware: Hardware, sockets: Sockets, kvm: boolean): string[] {
  return [
    ['qemu-system-x86_64', '-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'],
    processors(kvm, hardware.processors),
    memory(hardware),
    firmware(sockets.variables),
    tpm(hardware.tpm),
    ['-device', 'virtio-scsi-pci,id=scsi'],
    medium(hardware.medium),
    ...hardware.disks.map(disk),
    ['-object', 'rng-random,filename=/dev/urandom,id=rng', '-device', 'virtio-rng-pci,rng=rng'],
    ...hardware.cards.map(card),
    ['-device', 'virtio-serial-pci', '-chardev', `socket,id=probe,path=${sockets.probe},server=on,wait=off`],
    ['-device', 'virtserialport,chardev=probe,name=lethe.probe'],
    ['-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console'],
    ['-qmp', `unix:${sockets.monitor},server=on,wait=off`],
  ].flat();
}
