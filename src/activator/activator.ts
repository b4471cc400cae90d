// SPDX-License-Identifier: AGPL-3.0-or-later
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { sameBytes, sha256 } from '../bytes/formats/fingerprint.ts';
import { seal } from '../bytes/formats/hpke.ts';
import type { TpmName } from '../bytes/formats/tpm.ts';
import { makeCredential } from '../bytes/formats/tpm-credential.ts';
import { addressBytes } from '../bytes/text/address.ts';
import { type BundleParameters, bundleBytes, HANDOVER_INFO } from '../contracts/activation/bundle.ts';
import type { Believed, Challenge, EvidenceMessage, Grant, Question } from '../contracts/activation/messages.ts';
import { openParameters } from '../contracts/activation/parameters.ts';
import { type Authority, issueServerCertificate, oneDay } from '../contracts/pki/authority.ts';
import type { Clock } from '../core/clock/clock.ts';
import type { Journal } from '../core/journal/journal.ts';
import type { Random } from '../core/random/random.ts';
import { judgeAttestationKey } from '../verify/attestation/attestation-key.ts';
import { discontinuity } from '../verify/attestation/continuity.ts';
import { judgeEndorsement } from '../verify/attestation/endorsement.ts';
import { type BootKeys, bindingOf, type Evidence, keysDigest, type Purpose } from '../verify/attestation/evidence.ts';
import { type AttestationVerdict, judge } from '../verify/attestation/judge.ts';
import { type AttestationRefused, isRefused, refused } from '../verify/attestation/refusal.ts';
import type { ActivatorStore, EnrolledGateway, StoredBoot } from './activator.store.ts';
import { type Asked, Challenges, type ShownClock } from './challenges.ts';
import { hourOf } from './freshness.ts';
import type { Policy } from './policy.os.ts';
import { Refusals } from './refusals.ts';

export interface ActivatorDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: Journal;
  readonly store: ActivatorStore;
  readonly issuer: Authority;
  /** Private key that parameters are sealed to. */
  readonly storeKey: Uint8Array;
  /** Reads the policy of this moment. */
  readonly policy: () => Policy | { readonly problem: string };
}

const NOTHING = new Uint8Array(0);

/**
 * Accepts machines, or not. Everything that it is told is hostile until judged; what was judged and what follows from
 * it is written to the store before anybody is answered.
 */
export class Activator {
  readonly #deps: ActivatorDeps;
  readonly #challenges: Challenges;
  readonly #refusals: Refusals;

  constructor(deps: ActivatorDeps) {
    this.#deps = deps;
    this.#challenges = new Challenges(deps);
    this.#refusals = new Refusals(deps.journal);
  }

  /** Asks a machine that shows the certificate of its TPM to prove what it is. */
  challenge(message: Challenge): Question | AttestationRefused {
    const outcome = this.#challenge(message);
    return isRefused(outcome) ? this.#refuse('unknown', outcome) : outcome;
  }

  /** Judges the proof. Gives the secrets, once a boot, and a certificate; or nothing, when nothing was asked for. */
  async answer(message: EvidenceMessage): Promise<Grant | Believed | AttestationRefused> {
    const asked = this.#challenges.open(message.question);
    if (isRefused(asked)) return this.#refuse('unknown', asked);
    const outcome = await this.#answer(message, asked);
    return isRefused(outcome) ? this.#refuse(asked.gateway, outcome) : outcome;
  }

  /** To be called every minute: says how often the refusals of the last one were repeated. */
  tellRefusals(): void {
    this.#refusals.tell();
  }

  #refuse(gateway: string, outcome: AttestationRefused): AttestationRefused {
    this.#refusals.say(gateway, outcome.refused);
    return outcome;
  }

  #challenge(message: Challenge): Question | AttestationRefused {
    const { clock, random, policy } = this.#deps;
    const current = policy();
    if ('problem' in current) return refused('policy_unusable');
    const endorsement = judgeEndorsement(message.certificate, current.trust, clock.wall());
    if (isRefused(endorsement)) return endorsement;
    const gateway = this.#gatewayOf(endorsement.certificate, endorsement.identity);
    if (isRefused(gateway)) return gateway;
    const key = judgeAttestationKey(message.attestation_key);
    if (isRefused(key)) return key;
    const asked: Asked = {
      gateway: gateway.gateway,
      nonce: random.bytes(32),
      secret: random.bytes(32),
      attestationKey: message.attestation_key,
      identity: endorsement.identity,
      shown: shownBy(this.#deps.store.boot(gateway.gateway)),
    };
    const made = { seed: random.bytes(32), secret: asked.secret };
    const credential = makeCredential(endorsement.key, key.name, made);
    return { question: this.#challenges.seal(asked), nonce: asked.nonce, credential };
  }

  #gatewayOf(certificate: Uint8Array, identity: Uint8Array): EnrolledGateway | AttestationRefused {
    const { store } = this.#deps;
    const gateway = store.gatewayOfCertificate(certificate);
    if (gateway === undefined) return refused('ek_unknown');
    const bound = store.gatewayOfKey(identity);
    return bound === undefined || bound.gateway === gateway.gateway ? gateway : refused('ek_elsewhere');
  }

  async #answer(message: EvidenceMessage, asked: Asked): Promise<Grant | Believed | AttestationRefused> {
    const { clock, store, policy } = this.#deps;
    if (!sameBytes(message.secret, asked.secret)) return refused('credential');
    this.#challenges.close(asked);
    const current = policy();
    if ('problem' in current) return refused('policy_unusable');
    const gateway = store.gateway(asked.gateway);
    if (gateway === undefined) return refused('ek_unknown');
    const attestationKey = judgeAttestationKey(asked.attestationKey);
    if (isRefused(attestationKey)) return attestationKey;
    const evidence = evidenceOf(message);
    const verdict = judge(evidence, {
      attestationKey,
      purpose: message.purpose,
      nonce: asked.nonce,
      policy: current.releases,
      firmware: gateway.firmware,
      now: clock.wall(),
    });
    if (isRefused(verdict)) return verdict;
    const server = serverKeyOf(message, evidence.keys);
    if (server === undefined) return refused('server_key');
    const proof = { asked, gateway, evidence, verdict, server, name: attestationKey.name };
    return message.purpose === 'attest' ? this.#acknowledge(proof) : this.#grant(message.purpose, proof);
  }

  /** Only writes down that the gateway still is what it was. */
  #acknowledge(proof: Proof): Believed | AttestationRefused {
    const why = this.#commit('attest', proof);
    if (why !== undefined) return why;
    this.#deps.journal.say({ code: 'machine_attested', gateway: proof.gateway.gateway });
    return { believed: true };
  }

  /** Only here is anything handed out. */
  async #grant(purpose: 'activate' | 'renew', proof: Proof): Promise<Grant | AttestationRefused> {
    const { random, journal, issuer } = this.#deps;
    const { gateway, evidence, verdict, server } = proof;
    const parameters = openParameters(this.#deps.storeKey, gateway);
    const certificate = await issueServerCertificate(
      this.#deps,
      issuer,
      subjectOf(parameters, server),
      oneDay(this.#deps.clock),
    );
    const bundle = bundleBytes(parameters, issuer.certificate, verdict.release.version);
    const why = this.#commit(purpose, proof, sha256(bundle));
    if (why !== undefined) return why;
    if (purpose === 'renew') {
      journal.say({ code: 'machine_renewed', gateway: gateway.gateway });
      return { certificate };
    }
    journal.say({ code: 'machine_activated', gateway: gateway.gateway, release: verdict.release.version });
    const context = { info: HANDOVER_INFO, aad: bindingOf(purpose, evidence.nonce, evidence.keys) };
    return { certificate, sealed: seal(evidence.keys.handover, bundle, context, random.bytes(32)) };
  }

  /** Writes down that this boot was accepted, unless what happened before forbids it. */
  #commit(purpose: Purpose, proof: Proof, secrets?: Uint8Array): AttestationRefused | undefined {
    const { store, clock } = this.#deps;
    const { asked, evidence, verdict, name } = proof;
    const keys = keysDigest(evidence.keys);
    return store.atomically(() => {
      // The store may have changed since the judge looked: another answer, or an operator.
      const gateway = store.gateway(asked.gateway);
      if (gateway === undefined || !sameBytes(gateway.certificate, proof.gateway.certificate))
        return refused('ek_unknown');
      const last = store.boot(asked.gateway);
      const known = last === undefined ? undefined : { ...last, milliseconds: knownOf(last, asked.shown) };
      const why = discontinuity(purpose, known, { ...verdict, attestationKey: name, keys });
      if (why !== undefined) return refused(why);
      const bound = store.gatewayOfKey(asked.identity);
      if (bound !== undefined && bound.gateway !== asked.gateway) return refused('ek_elsewhere');
      store.bind(asked.gateway, asked.identity, verdict.firmware);
      const { resets, restarts } = verdict.clock;
      store.keepBoot({
        gateway: asked.gateway,
        release: verdict.release.version,
        resets,
        restarts,
        milliseconds: latest(last, verdict.clock),
        attestationKey: name,
        keys,
        // The secrets of a boot are those of its activation.
        secrets: (purpose === 'activate' ? secrets : last?.secrets) ?? NOTHING,
        wireguard: evidence.keys.wireguard,
        proven: hourOf(clock.wall()),
      });
      return undefined;
    });
  }
}

type BootClock = Pick<StoredBoot, 'resets' | 'restarts' | 'milliseconds'>;

function sameBoot(one: Pick<BootClock, 'resets' | 'restarts'>, other: Pick<BootClock, 'resets' | 'restarts'>): boolean {
  return one.resets === other.resets && one.restarts === other.restarts;
}

function shownBy(boot: BootClock | undefined): ShownClock | undefined {
  if (boot === undefined) return undefined;
  return { resets: boot.resets, restarts: boot.restarts, milliseconds: Number(boot.milliseconds) };
}

/**
 * The TPM's clock as it was known when the question was asked, which an honest answer cannot be behind. Not as it is known
 * by now: a gateway's renewal and its proof on schedule may overtake each other, and no clock has gone back by that.
 */
function knownOf(last: BootClock, shown: ShownClock | undefined): bigint {
  return shown !== undefined && sameBoot(last, shown) ? BigInt(shown.milliseconds) : 0n;
}

function latest(last: BootClock | undefined, clock: BootClock): bigint {
  const overtaken = last !== undefined && sameBoot(last, clock) && last.milliseconds > clock.milliseconds;
  return overtaken ? last.milliseconds : clock.milliseconds;
}

/** What was judged, and accepted. */
interface Proof {
  readonly asked: Asked;
  readonly gateway: EnrolledGateway;
  readonly evidence: Evidence;
  readonly verdict: AttestationVerdict;
  readonly server: KeyObject;
  readonly name: TpmName;
}

function evidenceOf({ quote, signature, pcrs, log, nonce, server, wireguard, handover }: EvidenceMessage): Evidence {
  return { quote, signature, pcrs, log, nonce, keys: { server, wireguard, handover } };
}

/** The seeds ask for RSA with 4096 bits. The machine signs with it what its TPM signed, so the key is its own. */
function serverKeyOf({ purpose, nonce, proof }: EvidenceMessage, keys: BootKeys): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: Buffer.from(keys.server), format: 'der', type: 'spki' });
    const strong = key.asymmetricKeyType === 'rsa' && key.asymmetricKeyDetails?.modulusLength === 4096;
    return strong && verify('sha256', bindingOf(purpose, nonce, keys), key, proof) ? key : undefined;
  } catch {
    return undefined;
  }
}

function subjectOf({ plan }: BundleParameters, key: KeyObject) {
  const addresses = [plan.address4, plan.address6].filter((text) => text !== undefined).map(addressBytes);
  return { name: plan.name, addresses, key };
}
