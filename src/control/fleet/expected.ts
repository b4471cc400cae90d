// SPDX-License-Identifier: AGPL-3.0-or-later
import type { KeyObject } from 'node:crypto';
import { sha256 } from '../../bytes/formats/fingerprint.ts';
import { type SignedExpected, signExpected } from '../../contracts/fleet/expected.ts';
import type { GatewayPlan, RenderedFile } from '../../contracts/plan/plan.ts';
import { assertDeclared } from '../../core/inventory/guard.ts';
import type { Database } from '../database/tables.ts';
import { serialOf } from './expected.store.ts';

/** What a gateway has to look like, as it is published to that gateway. */
export interface ExpectedConfiguration extends SignedExpected {
  readonly serial: number;
}

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
  return { serial, ...signExpected({ gateway, serial, ...content }, key) };
}
