// SPDX-License-Identifier: AGPL-3.0-or-later
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { signAuthenticode } from '../../../src/bytes/formats/authenticode.ts';
import { type Guid } from '../../../src/bytes/formats/efi.ts';
import { attachSignature, authenticodeSha256, type Pe, parsePe } from '../../../src/bytes/formats/pe.ts';
import {
  derOf,
  enrolledStore,
  type Keyring,
  printKeyring,
  secureBootVariables,
} from '../../../src/contracts/release/keyring.ts';
import { isoName, PUBLISHED, printPcrs } from '../../../src/contracts/release/publication.ts';
import { systemClock } from '../../../src/core/clock/clock.ts';
import { systemRandom } from '../../../src/core/random/random.ts';
import { run } from '../../../src/host/processes/process.os.ts';
import { sourceCommit } from '../../../src/image/build/inputs.os.ts';
import { makeIso } from '../../../src/image/build/iso.os.ts';
import { REPOSITORY } from '../../../src/image/build/recipe.os.ts';
import { OPERATOR_FILE, readRecord } from '../../../src/image/release/builders.os.ts';
import { createKeyring, revokeHash } from '../../../src/image/release/ceremony.os.ts';
import { publishedPcrs } from '../../../src/image/release/sign.os.ts';
import type { BootTrust } from '../../../src/verify/attestation/prediction.ts';
import { softToken } from '../tokens/softhsm.os.ts';

/** An operator with Secure Boot keys of its own, for tests that boot what it signs. */
export interface TestOperator {
  /** Firmware variables of a machine that trusts it, with Secure Boot on. */
  readonly variables: Uint8Array;
  readonly trust: BootTrust;
  /** A unified kernel image as its token signs it. */
  sign(uki: Uint8Array): Promise<Uint8Array>;
  /** Firmware variables of a machine that trusts it, but not this one image any more. */
  revoked(uki: Uint8Array): Promise<Uint8Array>;
  /**
   * Makes of a build what a service needs to boot it, in a directory that is not there yet. No builder has said anything
   * about it, and `uki` may be another than the build's.
   */
  publish(build: string, uki: Uint8Array, out: string): Promise<void>;
}

/** Makes the keys below a directory that is not there yet, and goes with the caller's. */
export async function testOperator(directory: string): Promise<TestOperator> {
  const deps = { clock: systemClock, random: systemRandom };
  const soft = await softToken(directory);
  const keys = join(directory, 'keys');
  const keyring = await createKeyring(deps, keys, 'Test', soft.key, soft.pin);
  const signer = keyring.db[0] as string;
  const certificate = derOf(signer);
  const sign = async (image: Pe) =>
    attachSignature(image, await signAuthenticode(authenticodeSha256(image), certificate, soft.key.signer(soft.pin)));
  return {
    variables: storeOf(keyring),
    trust: {
      variables: secureBootVariables(keyring),
      signer: { owner: keyring.owner as Guid, certificate },
    },
    sign: (uki) => sign(programOf(uki)),
    async revoked(uki) {
      return storeOf(await revokeHash(deps, keys, authenticodeSha256(programOf(uki)).toHex()));
    },
    async publish(build, uki, out) {
      const [record, image] = [readRecord(build), programOf(uki)];
      const at = (name: string) => join(out, name);
      mkdirSync(out);
      writeFileSync(at(PUBLISHED.signed), await sign(image));
      await makeIso(build, at(PUBLISHED.signed), at(isoName(record.version, record.variant)));
      writeFileSync(at(PUBLISHED.keyring), printKeyring(keyring));
      writeFileSync(at(PUBLISHED.pcrs), printPcrs(publishedPcrs(record, image, keyring, signer)));
      if (existsSync(join(build, OPERATOR_FILE))) copyFileSync(join(build, OPERATOR_FILE), at(OPERATOR_FILE));
    },
  };
}

/** The image of this working tree as if built from today's commit: the shared one may stem from an earlier one. */
export async function copyOfBuild(from: string, to: string): Promise<void> {
  await run(['cp', '--archive', from, to]);
  const { commit: _old, ...record } = readRecord(to);
  const commit = await sourceCommit(REPOSITORY);
  const { version, variant, ...rest } = record;
  const today = { version, variant, ...(commit === undefined ? {} : { commit }), ...rest };
  writeFileSync(join(to, 'build.json'), `${JSON.stringify(today, undefined, 2)}\n`);
}

/** The same as bytes that firmware would run. */
export function programOf(uki: Uint8Array): Pe {
  const image = parsePe(uki);
  if ('problem' in image) throw new Error(`not an EFI program: ${image.problem}`);
  return image;
}

function storeOf(keyring: Keyring): Uint8Array {
  const store = enrolledStore(readFileSync('/usr/share/OVMF/OVMF_VARS_4M.fd'), keyring);
  if ('problem' in store) throw new Error(`no variable store: ${store.problem}`);
  return store;
}
