// SPDX-License-Identifier: AGPL-3.0-or-later
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

/** Bytes. A configuration file has far fewer. */
const LIMIT = 1_048_576;

/**
 * The text of a file in a directory of another user, who may have put anything in its place. Undefined when it is not
 * there, is no regular file or is larger than `limit`: no link is followed, no pipe waited for, and no device read.
 */
export function readUntrusted(path: string, limit = LIMIT): string | undefined {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    // ELOOP is a link, ENXIO a socket; what we may not read counts as not there.
    if (['ENOENT', 'ELOOP', 'ENXIO', 'EACCES', 'ENODEV'].includes((error as NodeJS.ErrnoException).code ?? '')) {
      return undefined;
    }
    throw error;
  }
  try {
    const found = fstatSync(file);
    return found.isFile() && found.size <= limit ? readFileSync(file, 'utf8') : undefined;
  } finally {
    closeSync(file);
  }
}
