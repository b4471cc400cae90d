// SPDX-License-Identifier: AGPL-3.0-or-later
import { type Dirent, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MODE, type Packed, zipOf } from '../profiles/zip.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** The checkout: what runs, what the gateway's image is built from, and what proves both. Nothing else of it leaves it. */
const PARTS = ['src', 'cmd', 'image', 'proof', 'test', 'docs'];
const FILES = [
  'lethe',
  '.gitignore',
  '.jscpd.json',
  '.npmrc',
  '.oxlintrc.json',
  'biome.json',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'LICENSE',
  'README.md',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'PRIVACY.md',
  'SECURITY.md',
];
/** What an editor or an operator may have left there, a key above all, is not ours to give away. */
const NOT_OURS = /^\.|~$|\.(?:key|pem|p12|pfx)$/;

/** The source of what runs, as it runs: AGPL-3.0, section 13, asks to offer it to everyone who uses the pages. */
export function packSource(root = ROOT): Uint8Array<ArrayBuffer> {
  const found = PARTS.flatMap((part) => readdirSync(join(root, part), { recursive: true, withFileTypes: true }))
    .filter(isSource)
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .toSorted();
  const files = [...FILES, ...found].map((path) => packed(root, path));
  return zipOf(files, { deflated: true });
}

function isSource(entry: Dirent): boolean {
  return (entry.isFile() || entry.isSymbolicLink()) && !NOT_OURS.test(entry.name);
}

function packed(root: string, path: string): Packed {
  const source = join(root, path);
  const status = lstatSync(source);
  const fileName = `lethe/${path}`;
  if (status.isSymbolicLink()) return { fileName, content: readlinkSync(source), mode: MODE.link };
  return { fileName, content: readFileSync(source), mode: (status.mode & 0o100) === 0 ? MODE.file : MODE.program };
}
