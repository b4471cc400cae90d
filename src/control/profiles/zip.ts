// SPDX-License-Identifier: AGPL-3.0-or-later
import { crc32, deflateRawSync } from 'node:zlib';
import type { Profile } from './profile.ts';

/** Version 2.0 of the format, names in UTF-8. */
const VERSION = 20;
const UTF8 = 0x0800;
/** 1 January 1980, the first day that the format knows: an archive does not say when it was made. */
const DATE = 0x0021;
/** Made on Unix: the upper half of a file's attributes is its mode. */
const UNIX = 3;
const STORED = 0;
const DEFLATED = 8;

/** Modes that a file may have, with its type, as Unix writes them. */
export const MODE = { file: 0o100644, program: 0o100755, link: 0o120777 } as const;

/** A file in an archive. Its name may have folders: `ch-zrh/zrh-01.conf`. The content of a link is where it leads. */
export interface Packed extends Pick<Profile, 'fileName'> {
  readonly content: string | Uint8Array;
  readonly mode?: (typeof MODE)[keyof typeof MODE];
}

/** What both headers of a file share: from the version to the length of its name. */
function common(name: Buffer, content: Buffer, data: Buffer): Buffer {
  const header = Buffer.alloc(26);
  header.writeUInt16LE(VERSION, 0);
  header.writeUInt16LE(UTF8, 2);
  header.writeUInt16LE(data === content ? STORED : DEFLATED, 4);
  header.writeUInt16LE(DATE, 8);
  header.writeUInt32LE(crc32(content), 10);
  header.writeUInt32LE(data.length, 14);
  header.writeUInt32LE(content.length, 18);
  header.writeUInt16LE(name.length, 22);
  return header;
}

/** Of the directory: made by the same version, no comment, first disk, mode, and where the file begins. */
function entry(name: Buffer, shared: Buffer, mode: number, offset: number): Buffer {
  const tail = Buffer.alloc(14);
  tail.writeUInt16LE(mode, 8);
  tail.writeUInt32LE(offset, 10);
  return Buffer.concat([signed('PK\x01\x02'), Buffer.from([VERSION, UNIX]), shared, tail, name]);
}

function signed(signature: string): Buffer {
  return Buffer.from(signature, 'latin1');
}

/** Compressed where that is asked for and makes it smaller. */
function dataOf(content: Buffer, deflated: boolean): Buffer {
  const small = deflated ? deflateRawSync(content) : content;
  return small.length < content.length ? small : content;
}

/** A ZIP archive of small files (APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16). At most 65 535 files and 4 GiB. */
export function zipOf(files: readonly Packed[], { deflated = false } = {}): Uint8Array<ArrayBuffer> {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const file of files) {
    const name = Buffer.from(file.fileName);
    const content = Buffer.from(file.content);
    const data = dataOf(content, deflated);
    const shared = common(name, content, data);
    directory.push(entry(name, shared, file.mode ?? MODE.file, offset));
    const local = Buffer.concat([signed('PK\x03\x04'), shared, name, data]);
    parts.push(local);
    offset += local.length;
  }
  const size = directory.reduce((sum, item) => sum + item.length, 0);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(files.length, 4);
  end.writeUInt16LE(files.length, 6);
  end.writeUInt32LE(size, 8);
  end.writeUInt32LE(offset, 12);
  return new Uint8Array(Buffer.concat([...parts, ...directory, signed('PK\x05\x06'), end]));
}
