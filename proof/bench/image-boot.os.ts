// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type Machine, type MachineOptions, startMachine } from '../../src/host/machines/machine.os.ts';
import { BLANK_VARIABLES } from '../../src/host/machines/qemu.ts';
import type { ImageRelease } from '../../src/onebox/image-release.os.ts';
import type { TestCustomer } from '../labs/customers/issuer.os.ts';
import { type BenchContext, inTurn, type Row, rowOf } from './bench.ts';
import { openvpnSession } from './image-session.os.ts';
import type { ImageSite } from './image-site.os.ts';

/** Milliseconds in which an emulated machine serves, even on a busy host. */
const TIMEOUT = 600_000;

/** MiB: what a small machine has. */
const MEMORY = 1024;

/** A machine that serves, and what it took. */
export interface Serving {
  readonly machine: Machine;
  /** From power-on until a stock client had fetched a page. */
  readonly seconds: number;
}

type Firmware = Pick<MachineOptions, 'variables' | 'medium' | 'tpm'>;

/** Secure Boot with the release's keys, a TPM, and secrets only for who has proven what it runs. */
export function proving({ tpm }: ImageSite, release: ImageRelease): Firmware {
  return { variables: release.variables, medium: { file: release.iso, as: 'cd' }, tpm };
}

/** Firmware as delivered, which checks nothing; no TPM; the secrets come with the medium. */
export function trusting(iso: string): Firmware {
  return { variables: readFileSync(BLANK_VARIABLES), medium: { file: iso, as: 'cd' } };
}

/**
 * Powers the machine on. A stock OpenVPN client asks for it all the while, once a second when it is refused and after
 * four when it gets no answer; it has to log in against the auth file, so the agent serves as well.
 */
export async function powerOn(
  { clock }: BenchContext,
  site: ImageSite,
  firmware: Firmware,
  customer: TestCustomer,
): Promise<Serving> {
  const began = clock.elapsed();
  const machine = await startMachine({ ...firmware, ...site.cabling, memory: MEMORY });
  try {
    const off = machine.off.then(() => {
      throw new Error('the machine went off');
    });
    off.catch(() => undefined);
    const session = await openvpnSession(site, 0, customer);
    try {
      await Promise.race([session.up(TIMEOUT), off]);
      assert.equal(await session.fetch(), site.parameters.plan.address4, 'the Internet saw somebody else');
      return { machine, seconds: (clock.elapsed() - began) / 1000 };
    } finally {
      await session.close();
    }
  } catch (error) {
    await machine.close();
    throw error;
  }
}

export interface Served {
  readonly firmware: Firmware;
  readonly customer: TestCustomer;
  /** What else is done with the machine while it serves, after its time was taken. */
  readonly look?: ((machine: Machine) => Promise<void>) | undefined;
}

/** Seconds from power-on to a client served; the machine is off again afterwards. */
export async function secondsToServe(
  context: BenchContext,
  site: ImageSite,
  { firmware, customer, look }: Served,
): Promise<number> {
  const { machine, seconds } = await powerOn(context, site, firmware, customer);
  try {
    await look?.(machine);
  } finally {
    await machine.close();
  }
  return seconds;
}

export interface ServingParts extends Omit<Served, 'firmware'> {
  readonly release: ImageRelease;
  /** Medium of the same image for a machine that proves nothing. No test looks into that one. */
  readonly given: string;
}

/** The same image with proof and without, in turn. */
export async function servingRow(
  context: BenchContext,
  site: ImageSite,
  { release, given, customer, look }: ServingParts,
): Promise<Row> {
  const { gateway } = site.parameters.plan;
  const samples = await inTurn(context, {
    async proven() {
      const before = (await site.activator.boot(gateway))?.resets ?? -1;
      const taken = await secondsToServe(context, site, { firmware: proving(site, release), customer, look });
      assert.ok(((await site.activator.boot(gateway))?.resets ?? -1) > before, 'it serves and was never activated');
      return taken;
    },
    given: () => secondsToServe(context, site, { firmware: trusting(given), customer }),
  });
  return rowOf({
    name: 'power-on to a client served, attested',
    unit: 's',
    samples: samples.proven,
    peer: { name: 'no Secure Boot, no proof', samples: samples.given, goal: { atMost: 1.5 } },
  });
}
