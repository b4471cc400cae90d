// SPDX-License-Identifier: AGPL-3.0-or-later
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PolicyFile } from '../../../src/activator/policy.os.ts';
import { pem } from '../../../src/bytes/formats/der.ts';
import { type LoggedEvent, writeEventLog } from '../../../src/bytes/formats/eventlog.ts';
import type { BundleParameters } from '../../../src/contracts/activation/bundle.ts';
import { openvpnStaticKey } from '../../../src/contracts/pki/keys.ts';
import { planGateway } from '../../../src/contracts/plan/plan.ts';
import { seededRandom, systemRandom } from '../../../src/core/random/random.ts';
import { openTpm, type Tpm } from '../../../src/gateway/boot/tpm.os.ts';
import {
  makeTpm,
  type RunningTpm,
  startTpm,
  type TpmFactory,
  tctiOf,
  tpmFactory,
} from '../../../src/host/machines/swtpm.os.ts';
import { run } from '../../../src/host/processes/process.os.ts';
import { predictPcrs } from '../../../src/verify/attestation/prediction.ts';
import { sampleImage, sampleTrust } from '../attestation/sample.ts';

/** A machine that is nothing but a TPM, so that its boots take a moment. */
export interface TestMachine {
  readonly tpm: Tpm;
  readonly tcti: string;
  /** Where the tools keep the boot's contexts. */
  readonly directory: string;
  /** Power-on: the TPM is reset and measures these events. Gives the event log. */
  boot(events: readonly LoggedEvent[]): Promise<Uint8Array>;
  /** Power-off; its owner puts an older state of its TPM in place. */
  restore(state: string): Promise<void>;
}

/** TPMs of one maker, in a directory that goes away with them. */
export interface TestTpms {
  readonly directory: string;
  readonly factory: TpmFactory;
  machine(name: string): Promise<TestMachine>;
  close(): Promise<void>;
}

export function openTestTpms(): TestTpms {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-tpm-'));
  // Lets programs of unprivileged users reach their own files below.
  chmodSync(directory, 0o711);
  const factory = tpmFactory(join(directory, 'factory'));
  const running = new Map<string, RunningTpm>();
  return {
    directory,
    factory,
    async machine(name) {
      const state = join(directory, name);
      await makeTpm(factory, state, name);
      const tcti = tctiOf(state);
      const contexts = join(directory, `${name}-contexts`);
      return {
        tpm: openTpm(contexts, tcti, systemRandom),
        tcti,
        directory: contexts,
        async boot(events) {
          await running.get(name)?.stop();
          running.set(name, await startTpm(state, 'tools'));
          const extensions = events.map(({ pcr, digest }) => `${pcr}:sha256=${digest.toHex()}`);
          await run(['tpm2_pcrextend', ...extensions], { env: { TPM2TOOLS_TCTI: tcti } });
          return writeEventLog(events);
        },
        async restore(older) {
          await running.get(name)?.stop();
          cpSync(older, state, { recursive: true });
        },
      };
    },
    async close() {
      for (const tpm of running.values()) await tpm.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The policy that accepts these TPMs and the sample release, with whatever is to be different. */
export function samplePolicy({ directory, factory }: TestTpms, change: Partial<PolicyFile> = {}): PolicyFile {
  const write = (name: string, text: string) => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const tpms = {
    roots: write('roots.pem', factory.roots()),
    intermediates: write('makers.pem', factory.intermediates()),
  };
  return { tpms, minimumVersion: '1.0.0', releases: [sampleRelease()], ...change };
}

type PolicyRelease = PolicyFile['releases'][number];

export function sampleRelease(change: Partial<PolicyRelease> = {}): PolicyRelease {
  const pcrs = predictPcrs(sampleImage(), sampleTrust());
  const hex = { 4: pcrs[4].toHex(), 7: pcrs[7].toHex(), 9: pcrs[9].toHex(), 11: pcrs[11].toHex() };
  return { version: '1.2.3', pcrs: hex, notBefore: '2020-01-01', notAfter: '2099-01-01', ...change };
}

/** What a gateway of this name is given. */
export function sampleParameters(gateway: string): Omit<BundleParameters, 'token'> {
  const plan = planGateway({
    gateway,
    location: 'ch-zrh',
    name: `${gateway}.example`,
    address4: '192.0.2.7',
    address6: undefined,
    uplink: 'eth0',
  });
  const key = `${'A'.repeat(43)}=`;
  return {
    plan,
    controlUrl: 'https://control.example:8443',
    controlAuthority: pem('CERTIFICATE', new Uint8Array(300)),
    tlsCryptKey: openvpnStaticKey(seededRandom('tls-crypt')),
    authfileKey: key,
    expectedKey: key,
  };
}

/** Another certificate of the same maker for the same endorsement key, DER. */
export async function certifyAgain({ directory, factory }: TestTpms, modulus: string): Promise<Uint8Array> {
  await run([
    'swtpm_localca',
    '--type',
    'ek',
    '--tpm2',
    '--ek',
    modulus,
    '--dir',
    directory,
    '--vmid',
    'again',
    '--configfile',
    join(factory.directory, 'authority.conf'),
    '--optsfile',
    join(factory.directory, 'authority.options'),
    ...Object.entries(SPECIFICATION).flatMap(([name, value]) => [`--tpm-${name}`, value]),
  ]);
  return new Uint8Array(readFileSync(join(directory, 'ek.cert')));
}

const SPECIFICATION = {
  'spec-family': '2.0',
  'spec-level': '0',
  'spec-revision': '164',
  manufacturer: 'id:00001014',
  model: 'swtpm',
  version: 'id:20191023',
};
