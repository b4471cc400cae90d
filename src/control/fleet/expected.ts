// SPDX-License-Identifier: AGPL-3.0-or-later
import { type KeyObject, sign } from 'node:crypto';
import { sha256 } from '../../bytes/formats/fingerprint.ts';
import type { GatewayPlan, RenderedFile } from '../../contracts/plan/plan.ts';
import { assertDeclared } from '../../core/inventory/guard.ts';
import type { Database } from '../database/tables.ts';
import { serialOf } from './expected.store.ts';

/** What a gateway has to look like, as it is published to that gateway (S10). */
export interface ExpectedConfiguration {
  readonly serial: number;
  /** JSON: gateway, serial, location, release, and the SHA-256 of each rendered file in hex. */
  readonly body: string;
  /** Base64 of an Ed25519 signature over {@link EXPECTED_CONTEXT} and the body. */
  readonly signature: string;
}

export const EXPECTED_CONTEXT = 'lethe expected configuration v1\n';

/** The serial grows whenever anything in the document changes, also between two runs of the program. */
export async function expectConfiguration(
  db: Database,
  plan: GatewayPlan,
  files: readonly RenderedFile[],
  release: string,
  key: KeyObject,
): Promise<ExpectedConfiguration> {
  const { gateway, location } = plan;
  const digests = files.map((file) => ({ name: file.name, digest: sha256(file.content).toHex() }));
  for (const file of digests) assertDeclared('api.expected_file', file);
  const content = {
    location,
    release,
    files: Object.fromEntries(digests.map((file) => [file.name, file.digest])),
  };
  const serial = await serialOf(db, gateway, sha256(JSON.stringify(content)));
  assertDeclared('api.expected', { gateway, serial, location, release });
  const body = JSON.stringify({ gateway, serial, ...content });
  return { serial, body, signature: sign(null, Buffer.from(EXPECTED_CONTEXT + body), key).toString('base64') };
}
