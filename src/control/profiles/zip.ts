// SPDX-License-Identifier: AGPL-3.0-or-later
import { crc32 } from 'node:zlib';
import type { Profile } from './profile.ts';

/** Version 2.0 of the format, names in UTF-8, nothing compressed. */
const VERSION = 20;
const UTF8 = 0x0800;
/** 1 January 1980, the first day that the format knows: an archive does not say when it was made. */
const DATE = 0x0021;

/** A file in an archive. Its name may have folders: `ch-zrh/zrh-01.conf`. */
export type Packed = Pick<Profile, 'fileName' | 'content'>;

/** What both headers of a file share: from the version to the length of its name. */
function common(name: Buffer, content: Buffer): Buffer {
  const header = Buffer.alloc(26);
  header.writeUInt16LE(VERSION, 0);
  header.writeUInt16LE(UTF8, 2);
  header.writeUInt16LE(DATE, 8);
  header.writeUInt32LE(crc32(content), 10);
  header.writeUInt32LE(content.length, 14);
  header.writeUInt32LE(content.length, 18);
  header.writeUInt16LE(name.length, 22);
  return header;
}

/** Of the directory: made by the same version, no comment, first disk, and where the file begins. */
function entry(name: Buffer, shared: Buffer, offset: number): Buffer {
  const tail = Buffer.alloc(14);
  tail.writeUInt32LE(offset, 10);
  return Buffer.concat([signed('PK\x01\x02'), Buffer.from([VERSION, 0]), shared, tail, name]);
}

function signed(signature: string): Buffer {
  return Buffer.from(signature, 'latin1');
}

/** A ZIP archive of small files (APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16). At most 65 535 files and 4 GiB. */
export function zipOf(files: readonly Packed[]): Uint8Array<ArrayBuffer> {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const file of files) {
    const name = Buffer.from(file.fileName);
    const content = Buffer.from(file.content);
    const shared = common(name, content);
    directory.push(entry(name, shared, offset));
    const local = Buffer.concat([signed('PK\x03\x04'), shared, name, content]);
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
