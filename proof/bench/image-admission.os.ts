// SPDX-License-Identifier: AGPL-3.0-or-later
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { authenticodeSha256 } from '../../src/bytes/formats/pe.ts';
import { readBuild } from '../../src/image/build/build.os.ts';
import { makeIso } from '../../src/image/build/iso.os.ts';
import { endorsementCertificate, openTpmOf } from '../../src/onebox/image-gateway.os.ts';
import { believed, type ImageRelease } from '../../src/onebox/image-release.os.ts';
import { predictPcrs } from '../../src/verify/attestation/prediction.ts';
import { programOf, testOperator } from '../labs/release/fixture.os.ts';
import type { BenchContext } from './bench.ts';
import type { ImageSite } from './image-site.os.ts';

/** Has a build signed and believed: nothing else is from then on. Gives what a machine boots it with. */
export type Admit = (build: string) => Promise<ImageRelease>;

/** The site's signer and its activator, which runs from now on and knows the site's one machine. */
export async function openAdmission(deps: BenchContext, site: ImageSite, opened: AsyncDisposableStack): Promise<Admit> {
  const { directory, activator, parameters, operator } = site;
  const signer = await testOperator(join(directory, 'signer'));
  const machine = join(directory, 'machine');
  const { factory, state } = await openTpmOf(machine);
  const program = await activator.start();
  opened.defer(() => program.stop());
  await activator.enrol(await endorsementCertificate(state, join(machine, 'scratch'), deps.random), parameters);
  return async (build) => {
    const uki = readFileSync(join(build, 'uki.efi'));
    const { version, variant } = readBuild(build);
    const [signed, iso] = [`${variant}.efi`, `${variant}.iso`].map((name) => join(directory, name)) as [string, string];
    writeFileSync(signed, await signer.sign(uki));
    await makeIso(build, signed, iso);
    const image = programOf(uki);
    const found = predictPcrs(image, signer.trust);
    const pcrs = { 4: found[4].toHex(), 7: found[7].toHex(), 9: found[9].toHex(), 11: found[11].toHex() };
    const release: ImageRelease = {
      iso,
      pcrs: { version, variant, authenticode: authenticodeSha256(image).toHex(), pcrs },
      variables: signer.variables,
      operator,
    };
    activator.believe(factory, believed(release, deps.clock));
    return release;
  };
}
