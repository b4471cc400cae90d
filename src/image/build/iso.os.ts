// SPDX-License-Identifier: AGPL-3.0-or-later
import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { SOURCE_DATE_EPOCH } from './recipe.os.ts';
import { linkOrCopy } from './repository.os.ts';
import { type ImageState, imageState, workshopFor } from './state.os.ts';
import { clock } from './workshop.os.ts';

const DISK = '00000000000040008000000000000001';
const SERIAL = '4c455448';

const MAKE = `
find iso uki.efi -exec touch -d @${SOURCE_DATE_EPOCH} {} +
truncate -s "$1" efi.img
mkfs.vfat --invariant -i ${SERIAL} -n LETHE-EFI efi.img >/dev/null
mmd -i efi.img ::EFI ::EFI/BOOT
mcopy -m -i efi.img uki.efi ::EFI/BOOT/BOOTX64.EFI
xorriso -as mkisofs -quiet -V LETHE -r -o out.iso \
  -append_partition 2 0xef efi.img -appended_part_as_gpt -partition_offset 16 --gpt_disk_guid ${DISK} \
  -e --interval:appended_partition_2:all:: -no-emul-boot iso
`;

export interface IsoOptions {
  readonly state?: ImageState;
  /** As in a build. */
  readonly wrongClock?: string | undefined;
}

/**
 * Makes a medium that boots as CD and as disk from a build directory and any unified kernel image, signed or not. The
 * same two give the same bytes. Needs root, and the tools of the build's tools.lock in this clone's cache.
 */
export async function makeIso(
  buildDirectory: string,
  ukiFile: string,
  isoFile: string,
  { state = imageState(), wrongClock }: IsoOptions = {},
): Promise<void> {
  const target = resolve(isoFile);
  mkdirSync(dirname(target), { recursive: true });
  const work = mkdtempSync(join(dirname(target), `.${basename(target)}-`));
  try {
    const workshop = await workshopFor(state, join(buildDirectory, 'tools.lock'), { work, ...clock(wrongClock) });
    mkdirSync(join(work, 'iso/live'), { recursive: true });
    linkOrCopy(join(buildDirectory, 'root.img'), join(work, 'iso/live/root.img'));
    copyFileSync(ukiFile, join(work, 'uki.efi'));
    const mebibytes = Math.ceil(statSync(ukiFile).size / 2 ** 20) + 1;
    await workshop.run(['sh', '-euc', MAKE, 'sh', `${mebibytes}M`]);
    renameSync(join(work, 'out.iso'), target);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
