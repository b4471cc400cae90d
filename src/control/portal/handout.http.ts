// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Location } from '../fleet/location.ts';
import type { Profile } from '../profiles/profile.ts';
import { type Packed, zipOf } from '../profiles/zip.ts';
import type { PortalRequest } from './context.http.ts';

/** Sends a file to be saved under its own name. The content type carries no parameter: some clients compare it whole. */
export function handOut(c: PortalRequest, { fileName, contentType, content }: Profile): Response {
  return c.body(content, 200, {
    'content-type': contentType,
    'content-disposition': `attachment; filename="${fileName}"`,
  });
}

/** Sends many files as one. */
export function handOutTogether(c: PortalRequest, name: string, files: readonly Packed[]): Response {
  return c.body(zipOf(files), 200, {
    'content-type': 'application/zip',
    'content-disposition': `attachment; filename="${name}.zip"`,
  });
}

/** A folder for each location, so that no file has the name of another. */
export function inFolder({ id }: Location, files: readonly Profile[]): Packed[] {
  return files.map(({ fileName, content }) => ({ fileName: `${id}/${fileName}`, content }));
}
