// SPDX-License-Identifier: AGPL-3.0-or-later
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SOURCE_DATE_EPOCH } from './recipe.os.ts';
import { placeSections, settlePe, trustedPe } from './uki.ts';
import type { Workshop } from './workshop.os.ts';

const STUB = '/usr/lib/systemd/boot/efi/linuxx64.efi.stub';
/** Section names of the systemd stub, and the files of the working directory that they hold. */
const SECTIONS = [
  ['.osrel', 'os-release'],
  ['.uname', 'uname'],
  ['.cmdline', 'cmdline'],
  ['.initrd', 'initrd.zst'],
  ['.linux', 'vmlinuz'],
] as const;

/** Joins kernel, initrd and command line into `uki.efi`, one program that firmware starts. It is not signed. */
export async function makeUki(workshop: Workshop, work: string): Promise<void> {
  const stub = trustedPe(readFileSync(join(workshop.root, STUB)));
  const addresses = placeSections(
    stub,
    SECTIONS.map(([, file]) => statSync(join(work, file)).size),
  );
  const argv = SECTIONS.flatMap(([section, file], index) => [
    '--add-section',
    `${section}=${file}`,
    '--change-section-vma',
    `${section}=${addresses[index]}`,
  ]);
  await workshop.run(['objcopy', ...argv, STUB, 'uki.raw']);
  writeFileSync(join(work, 'uki.efi'), settlePe(readFileSync(join(work, 'uki.raw')), SOURCE_DATE_EPOCH));
  rmSync(join(work, 'uki.raw'));
}
