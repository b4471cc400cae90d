// SPDX-License-Identifier: AGPL-3.0-or-later
import { joined } from '../../bytes/formats/der.ts';
import {
  GUID,
  type Guid,
  guidBytes,
  measuredVariable,
  type SecureBootVariables,
  utf16,
} from '../../bytes/formats/efi.ts';
import { EVENT, type LoggedEvent } from '../../bytes/formats/eventlog.ts';
import { sha256 } from '../../bytes/formats/fingerprint.ts';
import { authenticodeSha256, type Pe, sectionContent } from '../../bytes/formats/pe.ts';
import { replayed } from './replay.ts';

/** PCRs that a release decides, whatever machine it runs on. */
export const RELEASE_PCRS = [4, 7, 9, 11] as const;

export type ReleasePcr = (typeof RELEASE_PCRS)[number];

/** 32 bytes each. */
export type ReleasePcrs = Readonly<Record<ReleasePcr, Uint8Array>>;

/** What Secure Boot is set up with, and the `db` certificate (DER) that lets our programs boot. */
export interface BootTrust {
  readonly variables: SecureBootVariables;
  readonly signer: { readonly owner: Guid; readonly certificate: Uint8Array };
}

/** A unified kernel image without one of the sections that firmware and kernel measure. */
export class UnpredictableError extends Error {
  override readonly name = 'UnpredictableError';
}

const TEXT = new TextEncoder();
/** UEFI_IMAGE_LOAD_EVENT without a path: where it was loaded decides nothing. */
const NOWHERE = new Uint8Array(32);
/** What the stub of systemd 252 measures, in its order. */
const MEASURED = ['.linux', '.osrel', '.cmdline', '.initrd'] as const;

/**
 * Says what the PCRs of a machine will hold that boots this image (signed or not: the signature changes nothing) with
 * Secure Boot on, before it ever did.
 */
export function predictPcrs(image: Pe, trust: BootTrust): ReleasePcrs {
  const log = { events: predictEvents(image, trust), locality: 0 };
  return { 4: replayed(log, 4), 7: replayed(log, 7), 9: replayed(log, 9), 11: replayed(log, 11) };
}

/** The events behind {@link predictPcrs}, in the order in which firmware, stub and kernel measure. */
export function predictEvents(image: Pe, trust: BootTrust): LoggedEvent[] {
  return [...secureBoot(trust), ...bootedProgram(image), ...stub(image), ...kernel(image)];
}

function measured(pcr: number, type: number, data: Uint8Array): LoggedEvent {
  return { pcr, type, digest: sha256(data), data };
}

const separator = (pcr: number) => measured(pcr, EVENT.separator, new Uint8Array(4));

/** PCR 7 (TCG PC Client Platform Firmware Profile §3.3.4.8): the variables, and the entry that let our image boot. */
function secureBoot({ variables, signer }: BootTrust): LoggedEvent[] {
  const variable = (vendor: Guid, name: string, data: Uint8Array) =>
    measured(7, EVENT.variableDriverConfig, measuredVariable(vendor, name, data));
  const entry = joined([guidBytes(signer.owner), signer.certificate]);
  return [
    variable(GUID.globalVariable, 'SecureBoot', Uint8Array.of(1)),
    variable(GUID.globalVariable, 'PK', variables.PK),
    variable(GUID.globalVariable, 'KEK', variables.KEK),
    variable(GUID.imageSecurity, 'db', variables.db),
    variable(GUID.imageSecurity, 'dbx', variables.dbx),
    separator(7),
    measured(7, EVENT.variableAuthority, measuredVariable(GUID.imageSecurity, 'db', entry)),
  ];
}

/** PCR 4: the attempt to boot, and the one program. The stub starts the kernel without the firmware's help. */
function bootedProgram(image: Pe): LoggedEvent[] {
  return [
    measured(4, EVENT.efiAction, TEXT.encode('Calling EFI Application from Boot Option')),
    separator(4),
    { pcr: 4, type: EVENT.bootServicesApplication, digest: authenticodeSha256(image), data: NOWHERE },
  ];
}

/** PCR 11: name and content of each section. */
function stub(image: Pe): LoggedEvent[] {
  return MEASURED.flatMap((name) => [
    measured(11, EVENT.ipl, TEXT.encode(`${name}\0`)),
    { pcr: 11, type: EVENT.ipl, digest: sha256(contentOf(image, name)), data: TEXT.encode(name) },
  ]);
}

/** PCR 9: the kernel's own EFI stub measures what it was given as command line (UTF-16, zero at the end) and initrd. */
function kernel(image: Pe): LoggedEvent[] {
  const commandLine = utf16(`${new TextDecoder().decode(contentOf(image, '.cmdline'))}\0`);
  const initrd = sha256(contentOf(image, '.initrd'));
  return [measured(9, EVENT.ipl, commandLine), { pcr: 9, type: EVENT.ipl, digest: initrd, data: new Uint8Array(0) }];
}

function contentOf(image: Pe, name: string): Uint8Array {
  const content = sectionContent(image, name);
  if (content === undefined) throw new UnpredictableError(`the image has no section ${name}`);
  return content;
}
