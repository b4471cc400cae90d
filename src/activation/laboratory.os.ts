// SPDX-License-Identifier: AGPL-3.0-or-later
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LoggedEvent, writeEventLog } from '../formats/eventlog.ts';
import { makeTpm, type RunningTpm, startTpm, type TpmFactory, tctiOf, tpmFactory } from '../machines/swtpm.os.ts';
import { run } from '../processes/process.os.ts';
import { openTpm, type Tpm } from './tpm.os.ts';

/** A machine that is nothing but a TPM, so that its boots take a moment. */
export interface LaboratoryMachine {
  readonly tpm: Tpm;
  readonly tcti: string;
  /** Where the tools keep the boot's contexts. */
  readonly directory: string;
  /** Power-on: the TPM is reset and measures these events. Gives the event log. */
  boot(events: readonly LoggedEvent[]): Promise<Uint8Array>;
}

/** TPMs of one maker, in a directory that goes away with them. */
export interface TpmLaboratory {
  readonly directory: string;
  readonly factory: TpmFactory;
  machine(name: string): Promise<LaboratoryMachine>;
  close(): Promise<void>;
}

export function openTpmLaboratory(): TpmLaboratory {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-tpm-'));
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
        tpm: openTpm(contexts, tcti),
        tcti,
        directory: contexts,
        async boot(events) {
          await running.get(name)?.stop();
          running.set(name, await startTpm(state, 'tools'));
          const extensions = events.map(({ pcr, digest }) => `${pcr}:sha256=${digest.toHex()}`);
          await run(['tpm2_pcrextend', ...extensions], { env: { TPM2TOOLS_TCTI: tcti } });
          return writeEventLog(events);
        },
      };
    },
    async close() {
      for (const tpm of running.values()) await tpm.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
