// SPDX-License-Identifier: AGPL-3.0-or-later
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { StoredBoot } from '../activation/activator.store.ts';
import type { BundleParameters } from '../activation/bundle.ts';
import { openTpm } from '../activation/tpm.os.ts';
import type { Cabling } from '../machines/cabling.os.ts';
import { type Machine, startMachine } from '../machines/machine.os.ts';
import { makeTpm, startTpm, type TpmFactory, tpmFactory } from '../machines/swtpm.os.ts';
import type { Namespace } from '../namespaces/namespace.os.ts';
import type { Random } from '../random/random.ts';
import type { ServiceActivator } from './activator.os.ts';
import type { ImageRelease } from './image-release.os.ts';
import { CannotStart } from './machine.os.ts';

/** The virtual machine in which a gateway's image runs. It keeps nothing between two boots but its TPM. */
export interface ImageGateway {
  /** What control is told: SHA-256 of the gateway's bearer token, in hex. */
  readonly tokenHash: string;
  /** The machine as it runs now. */
  readonly machine: Machine;
  /** The boot that was given its secrets last. */
  readonly boot: StoredBoot;
  /** Pulls the plug, powers the machine on again, and waits until it has proven itself anew. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface ImageGatewayParts {
  readonly release: ImageRelease;
  /** Where the machine's TPM, and the maker of it, are kept. */
  readonly directory: string;
  /** The namespace that QEMU runs in, with the machine's cards. */
  readonly hull: Namespace;
  readonly cabling: Cabling;
  readonly activator: ServiceActivator;
  readonly parameters: Omit<BundleParameters, 'token'>;
  /** MiB; 1024 unless given. */
  readonly memory?: number;
  /** A file that is the machine's memory, for whoever wants to search it. */
  readonly memoryFile?: string;
  readonly random: Random;
}

/** An emulated machine needs half a minute when nobody disturbs it. */
const PATIENCE = 600_000;
const LOOK_EVERY = 250;

/** A machine with a TPM of its own, made with the first call, and kept. */
export async function openTpmOf(directory: string): Promise<{ factory: TpmFactory; state: string }> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const factory = tpmFactory(join(directory, 'factory'));
  const state = join(directory, 'tpm');
  if (!existsSync(state)) await makeTpm(factory, state, 'lethe-gateway');
  return { factory, state };
}

/** The certificate (DER) of a TPM's endorsement key, as its owner reads it out when the machine is bought. */
export async function endorsementCertificate(state: string, scratch: string, random: Random): Promise<Uint8Array> {
  const tpm = await startTpm(state, 'tools');
  try {
    return await openTpm(scratch, tpm.tcti, random).endorsementCertificate();
  } finally {
    await tpm.stop();
  }
}

/** Enrols the machine, powers it on, and waits until it has proven what it runs and was given its secrets. */
export async function startImageGateway(parts: ImageGatewayParts): Promise<ImageGateway> {
  const { activator, directory, parameters } = parts;
  const { state } = await openTpmOf(directory);
  const tokenHash = await activator.enrol(
    await endorsementCertificate(state, join(directory, 'scratch'), parts.random),
    parameters,
  );
  let running = await powerOn(parts, state);
  return {
    tokenHash,
    get machine() {
      return running.machine;
    },
    get boot() {
      return running.boot;
    },
    async restart() {
      await running.machine.close();
      running = await powerOn(parts, state);
    },
    stop: () => running.machine.close(),
  };
}

async function powerOn(parts: ImageGatewayParts, state: string): Promise<{ machine: Machine; boot: StoredBoot }> {
  const { activator, hull, cabling, release, parameters, memory, memoryFile } = parts;
  const { gateway } = parameters.plan;
  const before = activator.boot(gateway)?.resets;
  const machine = await startMachine({
    variables: release.variables,
    medium: { file: release.iso, as: 'cd' },
    tpm: state,
    cards: cabling.cards,
    hull,
    ...(memory === undefined ? {} : { memory }),
    ...(memoryFile === undefined ? {} : { memoryFile }),
  });
  try {
    return { machine, boot: await activation(machine, () => activator.boot(gateway), before) };
  } catch (error) {
    await machine.close();
    throw error;
  }
}

async function activation(
  machine: Machine,
  look: () => StoredBoot | undefined,
  before: number | undefined,
): Promise<StoredBoot> {
  let off = false;
  void machine.off.then(() => {
    off = true;
  });
  for (let left = PATIENCE; left > 0; left -= LOOK_EVERY) {
    const boot = look();
    if (boot !== undefined && boot.resets !== before) return boot;
    if (off) throw new CannotStart('The machine went off before it had proven what it runs. Was its image changed?');
    await delay(LOOK_EVERY);
  }
  throw new CannotStart('The machine did not prove what it runs. The activator says why in the lines above.');
}
