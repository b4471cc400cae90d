// SPDX-License-Identifier: AGPL-3.0-or-later
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answerRequest } from '../../../src/activator/activator.http.ts';
import { ActivatorStore } from '../../../src/activator/activator.store.ts';
import { Activator } from '../../../src/activator/activator.ts';
import { type Endorsement, endorsementOf, enrol, type Problem } from '../../../src/activator/enrol.ts';
import { type Policy, type PolicyFile, readPolicy } from '../../../src/activator/policy.os.ts';
import type { LoggedEvent } from '../../../src/bytes/formats/eventlog.ts';
import { sha256 } from '../../../src/bytes/formats/fingerprint.ts';
import { open, x25519PrivateKey, x25519PublicBytes } from '../../../src/bytes/formats/hpke.ts';
import { HANDOVER_INFO } from '../../../src/contracts/activation/bundle.ts';
import { writeMessage } from '../../../src/contracts/activation/messages.ts';
import type { Authority } from '../../../src/contracts/pki/authority.ts';
import { publicKeyInfo } from '../../../src/contracts/pki/keys.ts';
import type { ManualClock } from '../../../src/core/clock/clock.ts';
import { RecordingJournal } from '../../../src/core/journal/journal.ts';
import { systemRandom } from '../../../src/core/random/random.ts';
import type { Post } from '../../../src/gateway/boot/post.os.ts';
import { type Claim, type Proven, prove } from '../../../src/gateway/boot/prove.ts';
import type { Tpm } from '../../../src/gateway/boot/tpm.os.ts';
import { HANDOVER_PCR, type Purpose } from '../../../src/verify/attestation/evidence.ts';
import { sampleEvents, sampleImage, sampleTrust } from '../attestation/sample.ts';
import { TestAuthority } from '../authority/authority.ts';
import { openTestTpms, sampleParameters, samplePolicy, type TestMachine, type TestTpms } from './tpms.os.ts';

export const GATEWAY = 'zrh-01';
export const EVENTS = sampleEvents(sampleImage(), sampleTrust());

/** Changes what is on its way. */
export type Tamper = (path: string, message: Record<string, unknown>) => Record<string, unknown>;

export interface Attempt {
  readonly tpm?: Tpm;
  readonly tamper?: Tamper;
  readonly claim?: Partial<Omit<Claim, 'purpose'>>;
}

interface Lasting {
  readonly clock: ManualClock;
  readonly tpms: TestTpms;
  readonly machine: TestMachine;
  /** Of the machine's endorsement key, DER. */
  readonly certificate: Uint8Array;
  readonly issuer: Authority;
  readonly server: KeyObject;
}

export async function openTestActivator(clock: ManualClock): Promise<TestActivator> {
  const tpms = openTestTpms();
  const machine = await tpms.machine('tpm-1');
  await machine.boot(EVENTS);
  const certificate = await machine.tpm.endorsementCertificate();
  const { authority: issuer } = await TestAuthority.create({
    name: { organization: 'Example', commonName: 'test' },
    clock,
  });
  const server = generateKeyPairSync('rsa', { modulusLength: 4096 }).privateKey;
  return new TestActivator({ clock, tpms, machine, certificate, issuer, server });
}

/** An activator and a machine in one process, with a real TPM between them; tests change the messages between them. */
export class TestActivator {
  readonly lasting: Lasting;
  readonly handover = systemRandom.bytes(32);
  readonly wireguard = systemRandom.bytes(32);
  readonly #storeKey = systemRandom.bytes(32);
  policy: Policy | { readonly problem: string } = { problem: 'none yet' };
  store = new ActivatorStore(':memory:');
  journal = new RecordingJournal();
  activator: Activator;
  /** The firmware's log of this boot. */
  log: Uint8Array = new Uint8Array(0);
  /** TPMT_PUBLIC of the boot's attestation key. */
  area: Uint8Array = new Uint8Array(0);

  constructor(lasting: Lasting) {
    this.lasting = lasting;
    this.activator = this.freshActivator();
  }

  /** A new activator that knows the machine, which boots. */
  async begin(): Promise<void> {
    this.believe({});
    this.store = new ActivatorStore(':memory:');
    this.journal = new RecordingJournal();
    this.activator = this.freshActivator();
    this.enrol(GATEWAY, endorsementOf(this.lasting.certificate));
    await this.boot();
  }

  close(): Promise<void> {
    return this.lasting.tpms.close();
  }

  freshActivator(): Activator {
    const { clock, issuer } = this.lasting;
    const { journal, store } = this;
    const random = systemRandom;
    return new Activator({
      clock,
      random,
      journal,
      store,
      issuer,
      storeKey: this.#storeKey,
      policy: () => this.policy,
    });
  }

  /** Writes a policy with whatever is to be different, and has the activator read it. */
  believe(change: Partial<PolicyFile>): void {
    const { tpms } = this.lasting;
    const file = join(tpms.directory, 'policy.json');
    writeFileSync(file, JSON.stringify(samplePolicy(tpms, change)));
    this.policy = readPolicy(file);
  }

  enrol(gateway: string, endorsement: Endorsement | Problem): void {
    if ('problem' in endorsement) throw new Error(endorsement.problem);
    const recipient = x25519PublicBytes(x25519PrivateKey(this.#storeKey));
    const { store } = this;
    const made = enrol(
      { gateway, endorsement, parameters: sampleParameters(gateway) },
      { store, random: systemRandom, recipient },
    );
    if ('problem' in made) throw new Error(made.problem);
  }

  async boot(events: readonly LoggedEvent[] = EVENTS): Promise<void> {
    const { machine } = this.lasting;
    this.log = await machine.boot(events);
    this.area = await machine.tpm.makeAttestationKey();
  }

  readonly post: Post = async (path, message) => {
    const { activator, store } = this;
    return (await answerRequest({ activator, store }, 'POST', path, message)).body;
  };

  claimed<P extends Purpose>(purpose: P, change: Partial<Omit<Claim, 'purpose'>> = {}): Claim<P> {
    const server = change.server ?? this.lasting.server;
    const keys = {
      server: new Uint8Array(publicKeyInfo(server)),
      wireguard: this.wireguard,
      handover: x25519PublicBytes(x25519PrivateKey(this.handover)),
    };
    return { purpose, attestationKey: this.area, keys, server, ...change };
  }

  /** What the machine is told, or why not. */
  async attempt<P extends Purpose>(purpose: P, change: Attempt = {}): Promise<Proven<P> | string> {
    const { tpm = this.lasting.machine.tpm, tamper = (_, message) => message } = change;
    const post: Post = (path, message) =>
      this.post(path, writeMessage(tamper(path, JSON.parse(message) as Record<string, unknown>)));
    const outcome = await prove({ tpm, post, log: () => this.log }, this.claimed(purpose, change.claim));
    return 'binding' in outcome ? outcome : 'refused' in outcome ? outcome.refused : outcome.unusable;
  }

  async granted<P extends Purpose>(purpose: P, change?: Attempt): Promise<Proven<P>> {
    const outcome = await this.attempt(purpose, change);
    if (typeof outcome === 'string') throw new Error(outcome);
    return outcome;
  }

  /** Takes the secrets, and has the TPM measure them. */
  async activated(): Promise<Uint8Array> {
    const { sealed, binding } = await this.granted('activate');
    const bundle = open(this.handover, sealed ?? new Uint8Array(0), { info: HANDOVER_INFO, aad: binding });
    if (bundle === undefined) throw new Error('what was sealed does not open');
    await this.lasting.machine.tpm.extend(HANDOVER_PCR, sha256(bundle));
    return bundle;
  }
}
