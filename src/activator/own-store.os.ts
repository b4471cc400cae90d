// SPDX-License-Identifier: AGPL-3.0-or-later
import { join } from 'node:path';
import type { BundleParameters } from '../contracts/activation/bundle.ts';
import type { Clock } from '../core/clock/clock.ts';
import type { Random } from '../core/random/random.ts';
import { ActivatorStore } from './activator.store.ts';
import { endorsementOf, enrol, type Problem } from './enrol.ts';
import { ACTIVATOR_FILES, storePublicKey } from './keys.os.ts';
import { type LoadedActivator, openKeys } from './program.os.ts';

// What a service that runs on the same machine asks of its activator's store. It asks a process of the activator's user,
// and never opens the store itself: in a directory of another user root would follow whatever link was put there.

/** What `--enrol` reads: a machine, to be registered for a gateway in the place of the one before. */
export interface EnrolmentOrder {
  /** Certificate of the TPM's endorsement key, DER in base64. */
  readonly certificate: string;
  readonly parameters: Omit<BundleParameters, 'token'>;
}

/** What `--boot` prints of a gateway's last activated boot. */
export interface BootShown {
  readonly release: string;
  readonly resets: number;
  /** WireGuard's public key, base64. */
  readonly wireguard: string;
  /** Hash of the boot's public keys, in hex. */
  readonly keys: string;
}

/** Registers the machine. Gives the SHA-256 of its token, in hex. */
export async function enrolOrdered(
  { certificate, parameters }: EnrolmentOrder,
  loaded: LoadedActivator,
  deps: { readonly clock: Clock; readonly random: Random },
): Promise<{ readonly tokenHash: string } | Problem> {
  const endorsement = endorsementOf(Uint8Array.fromBase64(certificate));
  if ('problem' in endorsement) return endorsement;
  const recipient = storePublicKey(await openKeys(loaded, deps));
  const { gateway } = parameters.plan;
  return withStore(loaded, (store) => {
    store.forget(gateway);
    return enrol({ gateway, endorsement, parameters }, { store, random: deps.random, recipient });
  });
}

/** Null when the gateway was never activated. */
export function bootShown(gateway: string, loaded: LoadedActivator): BootShown | null {
  const boot = withStore(loaded, (store) => store.boot(gateway));
  if (boot === undefined) return null;
  const { release, resets, wireguard, keys } = boot;
  return { release, resets, wireguard: wireguard.toBase64(), keys: keys.toHex() };
}

function withStore<T>({ config }: LoadedActivator, work: (store: ActivatorStore) => T): T {
  const store = new ActivatorStore(join(config.directory, ACTIVATOR_FILES.store));
  try {
    return work(store);
  } finally {
    store.close();
  }
}
