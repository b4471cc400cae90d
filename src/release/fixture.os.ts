// SPDX-License-Identifier: AGPL-3.0-or-later
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BootTrust } from '../attestation/prediction.ts';
import { systemClock } from '../clock/clock.ts';
import { signAuthenticode } from '../formats/authenticode.ts';
import { type Guid } from '../formats/efi.ts';
import { attachSignature, authenticodeSha256, type Pe, parsePe } from '../formats/pe.ts';
import { systemRandom } from '../random/random.ts';
import { softToken } from '../tokens/softhsm.os.ts';
import { createKeyring, revokeHash } from './ceremony.os.ts';
import { derOf, enrolledStore, type Keyring, secureBootVariables } from './keyring.ts';

/** An operator with Secure Boot keys of its own, for tests that boot what it signs. */
export interface TestOperator {
  /** Firmware variables of a machine that trusts it, with Secure Boot on. */
  readonly variables: Uint8Array;
  readonly trust: BootTrust;
  /** A unified kernel image as its token signs it. */
  sign(uki: Uint8Array): Promise<Uint8Array>;
  /** Firmware variables of a machine that trusts it, but not this one image any more. */
  revoked(uki: Uint8Array): Promise<Uint8Array>;
}

/** Makes the keys below a directory that is not there yet, and goes with the caller's. */
export async function testOperator(directory: string): Promise<TestOperator> {
  const deps = { clock: systemClock, random: systemRandom };
  const soft = await softToken(directory);
  const keys = join(directory, 'keys');
  const keyring = await createKeyring(deps, keys, 'Test', soft.key, soft.pin);
  const certificate = derOf(keyring.db[0] as string);
  return {
    variables: storeOf(keyring),
    trust: {
      variables: secureBootVariables(keyring),
      signer: { owner: keyring.owner as Guid, certificate },
    },
    async sign(uki) {
      const image = programOf(uki);
      const signer = soft.key.signer(soft.pin);
      return attachSignature(image, await signAuthenticode(authenticodeSha256(image), certificate, signer));
    },
    async revoked(uki) {
      return storeOf(await revokeHash(deps, keys, authenticodeSha256(programOf(uki)).toHex()));
    },
  };
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
