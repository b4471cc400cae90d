// SPDX-License-Identifier: AGPL-3.0-or-later
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../core/clock/clock.ts';
import type { Random } from '../core/random/random.ts';
import { giveUpRoot, type UserCalls } from '../host/processes/privileges.os.ts';
import type { Terminal } from '../host/terminal/terminal.ts';
import type { Firmware } from '../verify/attestation/judge.ts';
import { ActivatorStore } from './activator.store.ts';
import { endorsementOf, endorsementOfHash, enrol, type Problem, readChoice } from './enrol.ts';
import { hourOf, proofAge } from './freshness.ts';
import { ACTIVATOR_FILES, storePublicKey } from './keys.os.ts';
import { loadActivator, openKeys } from './program.os.ts';

export interface GatewayCliDeps {
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  readonly clock: Clock;
  readonly random: Random;
  readonly identity: UserCalls;
}

export interface EnrolFlags {
  /** The activator's configuration file. */
  readonly activator: string;
  readonly ek?: string;
  readonly ekHash?: string;
  readonly parameters: string;
  readonly pcr0?: string;
  readonly pcr2?: string;
}

/** Registers a machine's TPM for a gateway. Gives the exit code. */
export async function enrolCommand(gateway: string, flags: EnrolFlags, deps: GatewayCliDeps): Promise<number> {
  const read = readInputs(gateway, flags);
  if ('problem' in read) return complain(deps, read);
  return withStore(flags.activator, deps, async (store, recipient) => {
    const made = enrol({ gateway, ...read }, { store, random: deps.random, recipient: await recipient() });
    if ('problem' in made) return complain(deps, made);
    const { stdout } = deps;
    stdout.write(`${gateway} is enrolled with the TPM ${read.endorsement.certificate.toHex()}.\n`);
    stdout.write(`Give control its token's hash:\n  "tokenHash": "${made.tokenHash}"\n`);
    return 0;
  });
}

export function listCommand(flags: Pick<EnrolFlags, 'activator'>, deps: GatewayCliDeps): Promise<number> {
  return withStore(flags.activator, deps, async (store) => {
    for (const { gateway, certificate, firmware } of store.gateways()) {
      const boot = store.boot(gateway);
      const state =
        boot === undefined
          ? 'never activated'
          : `release ${boot.release}, boot ${boot.resets}, WireGuard key ${boot.wireguard.toBase64()}`;
      const pinned = firmware === undefined ? '' : `, PCR 0 ${firmware.code.toHex().slice(0, 12)}…`;
      const age = boot === undefined ? '' : `  ${proofAge(boot.proven, hourOf(deps.clock.wall()))}\n`;
      deps.stdout.write(`${gateway}\n  TPM ${certificate.toHex()}\n  ${state}${pinned}\n${age}`);
    }
    return 0;
  });
}

/** With `firmware`, only the machine's PCRs 0 and 2 are forgotten: after an update of its firmware. */
export function forgetCommand(
  gateway: string,
  flags: Pick<EnrolFlags, 'activator'> & { readonly firmware?: boolean },
  deps: GatewayCliDeps,
): Promise<number> {
  return withStore(flags.activator, deps, async (store) => {
    const known = flags.firmware === true ? store.forgetFirmware(gateway) : store.forget(gateway);
    return known ? 0 : complain(deps, { problem: `${gateway} is not enrolled` });
  });
}

function readInputs(gateway: string, flags: EnrolFlags) {
  if ((flags.ek === undefined) === (flags.ekHash === undefined)) return { problem: 'give --ek or --ek-hash' };
  try {
    const endorsement =
      flags.ek === undefined ? endorsementOfHash(flags.ekHash ?? '') : endorsementOf(readFileSync(flags.ek));
    if ('problem' in endorsement) return endorsement;
    const read = (path: string) => readFileSync(path, 'utf8');
    const parameters = readChoice(gateway, read(flags.parameters), read);
    if ('problem' in parameters) return { problem: `${flags.parameters}: ${parameters.problem}` };
    const firmware = firmwareOf(flags);
    if (firmware !== undefined && 'problem' in firmware) return firmware;
    return { endorsement, parameters, ...(firmware === undefined ? {} : { firmware }) };
  } catch {
    return { problem: 'a file cannot be read' };
  }
}

function firmwareOf({ pcr0, pcr2 }: EnrolFlags): Firmware | Problem | undefined {
  if (pcr0 === undefined && pcr2 === undefined) return undefined;
  const digits = /^[0-9a-f]{64}$/i;
  if (!digits.test(pcr0 ?? '') || !digits.test(pcr2 ?? ''))
    return { problem: 'give both --pcr0 and --pcr2, 64 hexadecimal digits each' };
  return { code: Uint8Array.fromHex(pcr0 ?? ''), drivers: Uint8Array.fromHex(pcr2 ?? '') };
}

/** Becomes the activator's user, so that everything stays its own, and opens its store. */
async function withStore(
  file: string,
  deps: GatewayCliDeps,
  work: (store: ActivatorStore, recipient: () => Promise<Uint8Array>) => Promise<number>,
): Promise<number> {
  const loaded = loadActivator(file);
  if ('problem' in loaded) return complain(deps, loaded);
  const kept = giveUpRoot(loaded.config.user, deps.identity);
  if (kept !== undefined) return complain(deps, kept);
  const store = new ActivatorStore(join(loaded.config.directory, ACTIVATOR_FILES.store));
  try {
    return await work(store, async () => storePublicKey(await openKeys(loaded, deps)));
  } finally {
    store.close();
  }
}

function complain({ stderr }: GatewayCliDeps, { problem }: Problem): number {
  stderr.write(`${problem}\n`);
  return 1;
}
