// SPDX-License-Identifier: AGPL-3.0-or-later
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BootShown } from '../activator/own-store.os.ts';
import type { BundleParameters } from '../contracts/activation/bundle.ts';
import { TimedOut, waitUntil } from '../core/clock/until.ts';
import type { Random } from '../core/random/random.ts';
import { openTpm } from '../gateway/boot/tpm.os.ts';
import type { Cabling } from '../host/machines/cabling.os.ts';
import { type Machine, startMachine } from '../host/machines/machine.os.ts';
import { makeTpm, startTpm, type TpmFactory, tpmFactory } from '../host/machines/swtpm.os.ts';
import type { Namespace } from '../host/namespaces/namespace.os.ts';
import type { Progress } from '../host/terminal/terminal.ts';
import type { ServiceActivator } from './activator.os.ts';
import { ACTIVATOR_PORT, FLEET_PORT } from './cables.os.ts';
import type { ImageRelease } from './image-release.os.ts';
import { CannotStart } from './machine.os.ts';
import type { ServiceSeams } from './options.ts';

/** The virtual machine in which a gateway's image runs. It keeps nothing between two boots but its TPM. */
export interface ImageGateway {
  /** What control is told: SHA-256 of the gateway's bearer token, in hex. */
  readonly tokenHash: string;
  /** The machine as it runs now. */
  readonly machine: Machine;
  /** The boot that was given its secrets last. */
  readonly boot: BootShown;
  /** Resolves when the machine's agent has reached control: it starts after all daemons. */
  serves(): Promise<void>;
  /** Pulls the plug, powers the machine on again, and waits until it has proven itself anew. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface ImageGatewayParts {
  readonly release: ImageRelease;
  /** Where the machine's TPM, and the maker of it, are kept. */
  readonly directory: string;
  /** The namespace that QEMU runs in, with the machine's cards. */
  readonly vmNamespace: Namespace;
  readonly cabling: Cabling;
  readonly activator: ServiceActivator;
  readonly parameters: Omit<BundleParameters, 'token'>;
  readonly hardware: NonNullable<ServiceSeams['hardware']>;
  readonly random: Random;
  readonly progress: Progress;
}

/** Milliseconds. An emulated machine needs half a minute on an idle host. */
const TIMEOUT = 600_000;
const LOOK_EVERY = 250;
/** The activator's store is asked by a process of its own. */
const ASK_EVERY = 1500;

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
    async serves() {
      await waitForStage(running.machine, 'serve', async () => (await parts.cabling.signs()).answered.has(FLEET_PORT));
    },
    async restart() {
      await running.machine.close();
      await parts.cabling.forget();
      running = await powerOn(parts, state);
    },
    stop: () => running.machine.close(),
  };
}

async function powerOn(parts: ImageGatewayParts, state: string): Promise<{ machine: Machine; boot: BootShown }> {
  const { activator, vmNamespace, cabling, release, parameters, hardware, progress } = parts;
  const { gateway } = parameters.plan;
  const before = (await activator.boot(gateway))?.resets;
  const machine = await startMachine({
    variables: release.variables,
    medium: { file: release.iso, as: 'cd' },
    tpm: state,
    cards: cabling.cards,
    vmNamespace,
    ...hardware,
  });
  const signs = () => cabling.signs();
  try {
    await progress.stage('The machine boots the signed image into its memory', () =>
      waitForStage(machine, 'boot', async () => (await signs()).addressed),
    );
    await progress.stage("It makes this boot's keys, and calls the activator", () =>
      waitForStage(machine, 'call', async () => (await signs()).answered.has(ACTIVATOR_PORT)),
    );
    const boot = await progress.stage('It proves what it runs, and is given its secrets', () =>
      waitForStage(machine, 'prove', async () => newBoot(await activator.boot(gateway), before), ASK_EVERY),
    );
    return { machine, boot };
  } catch (error) {
    await machine.close();
    throw error;
  }
}

function newBoot(boot: BootShown | undefined, before: number | undefined): BootShown | undefined {
  return boot?.resets === before ? undefined : boot;
}

/** What a machine had to do, and did not. */
const MISSED = {
  boot: 'The machine did not boot the image.',
  call: 'The machine booted, and did not find the activator.',
  prove: 'The machine did not prove what it runs. The activator says why in the lines above.',
  serve: 'The machine was given its secrets, and did not find control.',
} as const;

/** Waits until a stage is reached, while the machine is on, and gives what `reached` found. */
async function waitForStage<T>(
  machine: Machine,
  stage: keyof typeof MISSED,
  reached: () => T | false | undefined | Promise<T | false | undefined>,
  every = LOOK_EVERY,
): Promise<Exclude<T, false | undefined>> {
  let off = false;
  void machine.off.then(() => {
    off = true;
  });
  const look = async () => {
    const found = await reached();
    if (off && (found === false || found === undefined))
      throw new CannotStart(`${MISSED[stage]} It went off. Was its image changed?`);
    return found;
  };
  return await waitUntil(`the machine reaches the stage '${stage}'`, look, TIMEOUT, every).catch((error: unknown) => {
    throw error instanceof TimedOut ? new CannotStart(MISSED[stage]) : error;
  });
}
