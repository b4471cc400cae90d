// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ActivatorStore } from '../../src/activator/activator.store.ts';
import { endorsementOf } from '../../src/activator/enrol.ts';
import { pem } from '../../src/bytes/formats/der.ts';
import { type EventLog, parseEventLog } from '../../src/bytes/formats/eventlog.ts';
import { nameOf } from '../../src/bytes/formats/tpm.ts';
import { ManualClock } from '../../src/core/clock/clock.ts';
import type { Post } from '../../src/gateway/boot/post.os.ts';
import { prove } from '../../src/gateway/boot/prove.ts';
import { run } from '../../src/host/processes/process.os.ts';
import { replayed } from '../../src/verify/attestation/replay.ts';
import { GATEWAY, openTestActivator, type TestActivator } from '../labs/activator/test-activator.os.ts';
import { sampleRelease } from '../labs/activator/tpms.os.ts';
import { type BenchContext, interleave, type Row, rowOf } from './bench.ts';

/** The event log of a machine (QEMU, OVMF with Secure Boot) that booted a signed image of this repository. */
const RECORDED = new URL('../../src/verify/attestation/recorded/event-log.bin', import.meta.url);
/** Milliseconds that the operator waits at most. */
const GOAL = 50;

/**
 * What judging a machine costs the activator, from the first byte to the certificate and the sealed secrets: both
 * requests as its HTTP server hands them on, with its store in a file. The evidence is of a real TPM that has measured
 * what a real firmware measured; each round is another boot. The programs check the same quote, the same certificate of
 * the maker, and seal the same kind of secret; they replay no log, issue no certificate and write nothing down.
 */
export async function evidenceRow(context: BenchContext): Promise<Row> {
  const log = parseEventLog(new Uint8Array(readFileSync(RECORDED)));
  assert.ok(log !== undefined);
  // The maker's certificates are about to be made, and hold from then on.
  const lab = await openTestActivator(new ManualClock(context.clock.wall() + 60_000));
  let binding: Uint8Array = new Uint8Array(0);
  try {
    const samples = await interleave(context, {
      async ours() {
        const believed = await believe(context, lab, log);
        binding = believed.binding;
        return believed.milliseconds;
      },
      programs: () => millisecondsOfPrograms(context, lab, binding),
    });
    return rowOf({
      name: 'evidence judged, certificate issued, secrets sealed',
      unit: 'ms',
      samples: samples.ours,
      peer: { name: 'tpm2_checkquote, openssl verify, tpm2_makecredential', samples: samples.programs },
      limit: { name: `${GOAL} ms`, samples: [GOAL], goal: { atMost: 1 } },
    });
  } finally {
    await lab.close();
  }
}

interface Believed {
  readonly milliseconds: number;
  /** What the TPM was asked to sign. */
  readonly binding: Uint8Array;
}

async function believe({ clock }: BenchContext, lab: TestActivator, log: EventLog): Promise<Believed> {
  await lab.begin();
  const value = (pcr: number) => replayed(log, pcr).toHex();
  lab.believe({ releases: [sampleRelease({ pcrs: { 4: value(4), 7: value(7), 9: value(9), 11: value(11) } })] });
  lab.store = new ActivatorStore(join(lab.lasting.machine.directory, `${clock.elapsed()}.sqlite`));
  lab.activator = lab.freshActivator();
  lab.enrol(GATEWAY, endorsementOf(lab.lasting.certificate));
  await lab.boot(log.events);
  let milliseconds = 0;
  const post: Post = async (path, message) => {
    const began = clock.elapsed();
    const answer = await lab.post(path, message);
    milliseconds += clock.elapsed() - began;
    return answer;
  };
  const prover = { tpm: lab.lasting.machine.tpm, post, log: () => lab.log };
  const outcome = await prove(prover, lab.claimed('activate'));
  assert.ok('sealed' in outcome, JSON.stringify(outcome));
  lab.store.close();
  return { milliseconds, binding: outcome.binding };
}

/** On what the machine's tools left of the proof that was judged last. The values of the PCRs are left unread. */
async function millisecondsOfPrograms(
  { clock, random }: BenchContext,
  { area, lasting: { certificate, tpms, machine } }: TestActivator,
  binding: Uint8Array,
): Promise<number> {
  const at = (name: string) => join(machine.directory, name);
  const of = (name: string) => join(tpms.directory, name);
  writeFileSync(at('ek.pem'), pem('CERTIFICATE', certificate));
  writeFileSync(at('plain'), random.bytes(32));
  const quote = ['-u', at('ak.pub'), '-m', at('quote.msg'), '-s', at('quote.sig'), '-g', 'sha256'];
  const sealing = ['-s', at('plain'), '-n', nameOf(area).toHex(), '-o', at('sealed')];
  const began = clock.elapsed();
  await run(['tpm2_checkquote', '-Q', ...quote, '-q', binding.toHex()]);
  await run(['openssl', 'verify', '-CAfile', of('roots.pem'), '-untrusted', of('makers.pem'), at('ek.pem')]);
  await run(['tpm2_makecredential', '-Q', '-T', 'none', '-u', at('ek.pub'), ...sealing]);
  return clock.elapsed() - began;
}
