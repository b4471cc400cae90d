// SPDX-License-Identifier: AGPL-3.0-or-later
import { z } from 'zod';
import { parseConfiguration } from '../../core/configuration/configuration.ts';
import { HASH } from './keyring.ts';
import type { Believed } from './statement.ts';

/** Names of the files that make a published release. */
export const PUBLISHED = {
  unsigned: 'uki.efi',
  /** Detached signature: PKCS#7 SignedData in DER. */
  signature: 'uki.p7s',
  signed: 'uki.signed.efi',
  pcrs: 'pcrs.json',
  sbom: 'sbom.cdx.json',
  notes: 'NOTES.md',
  keyring: 'keyring.json',
  record: 'build.json',
  packagesLock: 'packages.lock',
  toolsLock: 'tools.lock',
  sums: 'SHA256SUMS',
} as const;

export function isoName(version: string, variant: string): string {
  return variant === 'release' ? `lethe-${version}.iso` : `lethe-${version}-${variant}.iso`;
}

export function statementName(builder: string): string {
  return `statement-${builder}.json`;
}

/** `pcrs.json`: what an activator must see of a machine that runs this release. */
const PCRS = z.strictObject({
  version: z.string().check(z.maxLength(64)),
  variant: z.enum(['release', 'probe']),
  /** Authenticode SHA-256 of the unified kernel image: what dbx would have to hold to revoke it. */
  authenticode: HASH,
  /** SHA-256 bank. */
  pcrs: z.strictObject({ 4: HASH, 7: HASH, 9: HASH, 11: HASH }),
});
export type PublishedPcrs = z.infer<typeof PCRS>;

export function parsePcrs(text: string): PublishedPcrs | { readonly problem: string } {
  return parseConfiguration(PCRS, text);
}

export function printPcrs(pcrs: PublishedPcrs): string {
  return `${JSON.stringify(pcrs, undefined, 2)}\n`;
}

/** The section of CHANGELOG.md about a version, or what is not released yet; empty when it has none. */
export function changesOf(changelog: string, version: string): string {
  const sections = changelog.split(/^(?=## )/m);
  const found =
    sections.find((section) => section.startsWith(`## ${version} `)) ??
    sections.find((section) => section.startsWith('## Unreleased'));
  return (found ?? '').replace(/^## .*\n/, '').trim();
}

export interface Notes {
  readonly version: string;
  readonly commit: string | undefined;
  readonly iso: string;
  /** SHA-256 of the ISO. */
  readonly digest: string;
  readonly pcrs: PublishedPcrs;
  readonly builders: readonly [Believed, Believed];
  readonly changes: string;
}

/** Release notes, in Markdown. */
export function notesOf(notes: Notes): string {
  const pcrs = Object.entries(notes.pcrs.pcrs).map(([pcr, value]) => `| ${pcr} | \`${value}\` |`);
  const builders = notes.builders.map(({ builder, keyid }) => `- ${builder}, key \`${keyid}\``);
  return [
    `# Lethe gateway image ${notes.version}`,
    '',
    `\`${notes.iso}\`, SHA-256 \`${notes.digest}\``,
    '',
    `Built from commit \`${notes.commit ?? 'unknown'}\` by two builders who came to the same bytes:`,
    '',
    ...builders,
    '',
    'Build it yourself at that commit and compare:',
    '',
    '```',
    './lethe image verify DIRECTORY',
    '```',
    '',
    'A machine with our Secure Boot keys that runs it shows (SHA-256 bank):',
    '',
    '| PCR | value |',
    '|---|---|',
    ...pcrs,
    '',
    `Authenticode hash, for a revocation: \`${notes.pcrs.authenticode}\``,
    '',
    '## Changes',
    '',
    notes.changes,
    '',
  ].join('\n');
}
