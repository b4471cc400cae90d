// SPDX-License-Identifier: AGPL-3.0-or-later
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Packed, zipOf } from '../profiles/zip.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** What this program consists of, and what starts it. Nothing else of the directory leaves it. */
const PARTS = ['src', 'cmd'];
const FILES = [
  'lethe',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'LICENSE',
  'README.md',
  'ARCHITECTURE.md',
];
const CODE = /\.(ts|js|css|svg|c)$/;

/** The source of what runs, as it runs: AGPL-3.0, section 13, asks to offer it to everyone who uses the pages. */
export function packSource(): Uint8Array<ArrayBuffer> {
  const found = PARTS.flatMap((part) => readdirSync(join(ROOT, part), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && CODE.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length))
    .toSorted();
  return zipOf([...FILES, ...found].map(packed));
}

function packed(path: string): Packed {
  return { fileName: `lethe/${path}`, content: readFileSync(join(ROOT, path), 'utf8') };
}
