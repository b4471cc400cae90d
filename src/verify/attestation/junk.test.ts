// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { openTestTpms, type TestMachine, type TestTpms } from '../../../proof/labs/activator/tpms.os.ts';
import { sampleEvents, sampleImage, sampleTrust } from '../../../proof/labs/attestation/sample.ts';
import { parseCertificate } from '../../bytes/formats/certificate.ts';
import { parseEventLog } from '../../bytes/formats/eventlog.ts';
import {
  parseEccPublic,
  parseEcdsaSignature,
  parseQuote,
  unwrapped,
  wrapped,
  writeQuote,
} from '../../bytes/formats/tpm.ts';
import { judgeAttestationKey } from './attestation-key.ts';
import { judgeEndorsement } from './endorsement.ts';
import { bindingOf, type Evidence } from './evidence.ts';
import { type Expectations, judge } from './judge.ts';
import type { Version } from './policy.ts';
import { predictPcrs } from './prediction.ts';
import { isRefused } from './refusal.ts';

/*
 * A million mutated pieces of real evidence. No parser may throw, none may take what it cannot write back, and nothing
 * that was changed may be accepted.
 */
const TOTAL = 1_000_000;
const JUDGED = 20_000;

let tpms: TestTpms;
let machine: TestMachine;
let evidence: Evidence;
let expectations: Expectations;
let certificate: Uint8Array;
let area: Uint8Array;

before(async () => {
  tpms = openTestTpms();
  machine = await tpms.machine('gateway-1');
  const [image, trust] = [sampleImage(), sampleTrust()];
  const log = await machine.boot(sampleEvents(image, trust));
  certificate = await machine.tpm.endorsementCertificate();
  area = await machine.tpm.makeAttestationKey();
  const nonce = new Uint8Array(32).fill(1);
  const keys = { server: new Uint8Array(9), wireguard: new Uint8Array(32), handover: new Uint8Array(32) };
  evidence = { ...(await machine.tpm.quote(bindingOf('activate', nonce, keys))), log, nonce, keys };
  const now = Date.now() + 60_000;
  const attestationKey = judgeAttestationKey(area);
  assert.ok(!isRefused(attestationKey));
  const version = '1.0.0' as Version;
  const release = { version, pcrs: predictPcrs(image, trust), notBefore: 0, notAfter: 2 * now, revoked: false };
  const policy = { releases: [release], minimum: version };
  expectations = {
    attestationKey,
    purpose: 'activate',
    nonce,
    policy,
    firmware: undefined,
    now,
  };
});
after(() => tpms.close());

/** Xorshift: the same million every time. */
class Mutator {
  #state = 0x9e37_79b9;
  readonly #scratch = new Uint8Array(65_536);

  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }

  /** Up to four changes: a flipped bit, a byte that means something, a cut, a piece taken out or doubled. */
  mutate(original: Uint8Array): Uint8Array {
    this.#scratch.set(original);
    let length = original.length;
    for (let changes = 1 + this.below(4); changes > 0; changes -= 1) {
      const at = this.below(length + 1);
      const kind = this.below(8);
      if (kind < 3) this.#scratch[at] = (this.#scratch[at] as number) ^ (1 << this.below(8));
      else if (kind < 6) this.#scratch[at] = TELLING[this.below(TELLING.length)] as number;
      else if (kind === 6) length = at;
      else {
        const from = this.below(length + 1);
        this.#scratch.copyWithin(at, from, length);
        length = Math.min(at + length - from, 2 * original.length);
      }
    }
    return this.#scratch.slice(0, length);
  }
}

const TELLING = [0, 1, 0x7f, 0x80, 0xff, 0x0b, 0x30, 0x20];

test('a million mutated pieces of real evidence: no parser throws or takes what it cannot write back', () => {
  const mutator = new Mutator();
  const firmwareLog = new Uint8Array(readFileSync(new URL('recorded/event-log.bin', import.meta.url)));
  const parsers: readonly [Uint8Array, (bytes: Uint8Array) => unknown][] = [
    [evidence.quote, quoteIsCanonical],
    [evidence.signature, parseEcdsaSignature],
    [area, parseEccPublic],
    [wrapped(area), unwrapped],
    [certificate, parseCertificate],
    [firmwareLog, parseEventLog],
  ];
  const taken = parsers.map(() => 0);
  for (let count = JUDGED; count < TOTAL; count += 1) {
    const which = count % parsers.length;
    const [original, parse] = parsers[which] as (typeof parsers)[number];
    if (parse(mutator.mutate(original)) !== undefined) taken[which] = (taken[which] as number) + 1;
  }
  // Some of each format still pass, so the mutations reach its depth.
  for (const [which, count] of taken.entries()) assert.ok(count > 100, `${which}: ${count}`);
});

function quoteIsCanonical(bytes: Uint8Array): unknown {
  const quote = parseQuote(bytes);
  if (typeof quote === 'string') return undefined;
  assert.ok(Buffer.compare(writeQuote(quote), bytes) === 0);
  return quote;
}

test('nothing that was changed is believed', () => {
  assert.ok(!isRefused(judge(evidence, expectations)));
  const mutator = new Mutator();
  const parts = ['quote', 'signature', 'pcrs', 'log', 'nonce'] as const;
  for (let count = 0; count < JUDGED; count += 1) {
    const part = parts[count % parts.length] as (typeof parts)[number];
    const mutated = mutator.mutate(evidence[part]);
    const outcome = judge({ ...evidence, [part]: mutated }, expectations);
    const same = Buffer.compare(mutated, evidence[part]) === 0;
    // Remarks beside digests, and events of PCRs that are not quoted, may say what they like.
    if (!same && part !== 'log') assert.ok(isRefused(outcome), `${part} ${count}`);
  }
});

test('mutated certificates and public areas are judged without a throw, and none that was changed is believed', () => {
  const mutator = new Mutator();
  const makers = { roots: [], intermediates: [] };
  for (let count = 0; count < 5000; count += 1) {
    assert.ok(isRefused(judgeEndorsement(mutator.mutate(certificate), makers, expectations.now)));
    judgeAttestationKey(mutator.mutate(area));
  }
});
