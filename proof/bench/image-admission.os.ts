// SPDX-License-Identifier: AGPL-3.0-or-later
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { endorsementCertificate, openTpmOf } from '../../src/onebox/image-gateway.os.ts';
import { believed, type ImageRelease, openRelease } from '../../src/onebox/image-release.os.ts';
import { testOperator } from '../labs/release/test-operator.os.ts';
import type { BenchContext } from './bench.ts';
import type { ImageSite } from './image-site.os.ts';

/** Has a build signed and allowed: no other is from then on. Gives what a machine boots it with. */
export type Admit = (build: string) => Promise<ImageRelease>;

/** The site's signer and its activator, which runs until `opened` is disposed of and knows the site's one machine. */
export async function openAdmission(
  deps: BenchContext,
  { directory, activator, parameters }: ImageSite,
  opened: AsyncDisposableStack,
): Promise<Admit> {
  const signer = await testOperator(join(directory, 'signer'));
  const machine = join(directory, 'machine');
  const { factory, state } = await openTpmOf(machine);
  const program = await activator.start();
  opened.defer(() => program.stop());
  await activator.enrol(await endorsementCertificate(state, join(machine, 'scratch'), deps.random), parameters);
  return async (build) => {
    const out = join(directory, `release-of-${basename(build)}`);
    await signer.publish(build, readFileSync(join(build, 'uki.efi')), out);
    const release = openRelease(out);
    activator.believe(factory, believed(release, deps.clock));
    return release;
  };
}
