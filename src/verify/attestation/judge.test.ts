// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SampleTpm, sampleEvents, sampleImage, sampleTrust } from '../../../proof/labs/attestation/sample.ts';
import { EVENT, type LoggedEvent } from '../../bytes/formats/eventlog.ts';
import { ALGORITHM, type Quote } from '../../bytes/formats/tpm.ts';
import { seededRandom } from '../../core/random/random.ts';
import { type ActivatedBoot, type AskingBoot, discontinuity } from './continuity.ts';
import { type Evidence, handedOver, keysDigest, QUOTED_PCRS } from './evidence.ts';
import { type Expectations, judge } from './judge.ts';
import { type AllowedRelease, compareVersions, parseVersion, type ReleasePolicy, type Version } from './policy.ts';
import { predictPcrs, UnpredictableError } from './prediction.ts';
import { type AttestationRefusal, isRefused } from './refusal.ts';
import { replayed } from './replay.ts';

const NOW = 1_790_000_000_000;
const DAY = 86_400_000;
const random = seededRandom('judge');
const image = sampleImage();
const trust = sampleTrust();
const events = sampleEvents(image, trust);
const tpm = new SampleTpm();
const nonce = random.bytes(32);
const keys = { server: random.bytes(550), wireguard: random.bytes(32), handover: random.bytes(32) };
const asked = { purpose: 'activate', nonce, keys } as const;

function release(version: string, change: Partial<AllowedRelease> = {}): AllowedRelease {
  const always = { notBefore: NOW - DAY, notAfter: NOW + DAY, revoked: false };
  return { version: version as Version, pcrs: predictPcrs(image, trust), ...always, ...change };
}

function policy(only: AllowedRelease | readonly AllowedRelease[], minimum = '1.0.0'): ReleasePolicy {
  return { releases: [only].flat(), minimum: minimum as Version };
}

const expectations: Expectations = {
  attestationKey: tpm.attestationKey,
  purpose: 'activate',
  nonce,
  policy: policy(release('1.2.3')),
  firmware: undefined,
  now: NOW,
};
const good = tpm.evidence(events, asked);

function verdict(evidence: Evidence, change: Partial<Expectations> = {}): AttestationRefusal | 'believed' {
  const outcome = judge(evidence, { ...expectations, ...change });
  return isRefused(outcome) ? outcome.refused : 'believed';
}

/** A quote of the honest boot in which one thing is different, signed by the right key. */
function quoted(change: Partial<Quote>): Evidence {
  return tpm.evidence(events, asked, change);
}

/** Evidence of another boot. */
function booted(other: readonly LoggedEvent[]): Evidence {
  return tpm.evidence(other, asked);
}

function altered(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] as number) ^ 1;
  return copy;
}

/** The log with other events than the quoted ones. */
function logged(other: readonly LoggedEvent[]): Evidence {
  return { ...good, log: tpm.evidence(other, asked).log };
}

/** A quote in which one byte is another, signed by the right key. */
function resigned(at: number, byte: number): Evidence {
  const quote = Uint8Array.from(good.quote);
  quote[at] = byte;
  return { ...good, quote, signature: tpm.sign(quote) };
}

/** Where a quote says whether its clock is safe: behind magic, type, signer, data, milliseconds, resets and restarts. */
const SAFE = 4 + 2 + (2 + 34) + (2 + 32) + 8 + 4 + 4;
const SELECTED = { bank: ALGORITHM.sha256, pcrs: QUOTED_PCRS };
const large: LoggedEvent = { pcr: 16, type: 0x0d, digest: new Uint8Array(32), data: new Uint8Array(60_000) };

function times<T>(count: number, item: T): T[] {
  return Array.from({ length: count }, () => item);
}

function withOtherData(event: LoggedEvent): LoggedEvent {
  return { ...event, data: Uint8Array.of(1) };
}

const CLOCK = { milliseconds: 1000n, resets: 5, restarts: 0, safe: true };

test('honest evidence is believed, and says which release, firmware and boot it is about', () => {
  const outcome = judge(good, expectations);
  assert.ok(!isRefused(outcome));
  assert.equal(outcome.release.version, '1.2.3');
  assert.deepEqual(outcome.clock, CLOCK);
  assert.deepEqual(outcome.handover, new Uint8Array(32));
  assert.equal(verdict(good, { firmware: outcome.firmware }), 'believed');
});

const commandLine: LoggedEvent = { pcr: 12, type: 0x0d, digest: new Uint8Array(32), data: new Uint8Array(0) };
const switchedOff = events.filter((event) => event.pcr !== 7);
const otherKernel = sampleImage({ '.osrel': 'a', '.cmdline': 'init=/bin/sh', '.initrd': 'b', '.linux': 'c' });
const separator = events.findIndex((event) => event.type === 0x04 && event.pcr === 2);
const tampered = events.map((event, index) =>
  index === separator ? { ...event, data: Uint8Array.of(1, 1, 1, 1) } : event,
);

/** Every forged or stale piece of evidence, and the code that is meant for it. */
const FORGED: [what: string, meant: AttestationRefusal, Evidence, Partial<Expectations>?][] = [
  ['truncated quote', 'quote_format', { ...good, quote: good.quote.subarray(0, -1) }],
  ['no quote', 'quote_format', { ...good, quote: new Uint8Array(0) }],
  ['half a magic number', 'quote_format', { ...good, quote: good.quote.subarray(0, 5) }],
  ['more than a quote', 'quote_format', { ...good, quote: Uint8Array.from([...good.quote, 0]) }],
  ['oversized quote', 'quote_format', { ...good, quote: new Uint8Array(10_000).fill(0xff) }],
  ['more banks than any TPM has', 'quote_format', quoted({ selections: times(17, SELECTED) })],
  ['a clock that is neither safe nor not', 'quote_format', resigned(SAFE, 2)],
  ['bytes that no TPM made', 'quote_kind', { ...good, quote: altered(good.quote, 0) }],
  ['another attestation than a quote', 'quote_kind', { ...good, quote: altered(good.quote, 5) }],
  ['a signature of another quote', 'signature', { ...good, signature: quoted({ firmware: 2n }).signature }],
  ['no signature', 'signature', { ...good, signature: new Uint8Array(0) }],
  ['a quote of another machine', 'signature', new SampleTpm().evidence(events, asked)],
  ['a key of another hierarchy', 'signer', quoted({ qualifiedSigner: new Uint8Array(34) })],
  ['wrong nonce', 'nonce', tpm.evidence(events, { ...asked, nonce: new Uint8Array(32) })],
  [
    'an old quote with the new nonce beside it',
    'binding',
    { ...tpm.evidence(events, { ...asked, nonce: random.bytes(32) }), nonce },
  ],
  ['server key swapped after the quote', 'binding', { ...good, keys: { ...keys, server: random.bytes(550) } }],
  ['WireGuard key swapped after the quote', 'binding', { ...good, keys: { ...keys, wireguard: random.bytes(32) } }],
  ['handover key swapped after the quote', 'binding', { ...good, keys: { ...keys, handover: random.bytes(32) } }],
  ['bytes moved from one key to the next', 'binding', { ...good, keys: { ...keys, server: keys.server.subarray(1) } }],
  ['a quote for a renewal', 'binding', tpm.evidence(events, { ...asked, purpose: 'renew' })],
  ['another bank', 'pcr_selection', quoted({ selections: [{ bank: ALGORITHM.sha1, pcrs: QUOTED_PCRS }] })],
  [
    'a PCR left out',
    'pcr_selection',
    quoted({ selections: [{ bank: ALGORITHM.sha256, pcrs: [0, 2, 7, 9, 11, 12, 15] }] }),
  ],
  ['no PCR at all', 'pcr_selection', quoted({ selections: [] })],
  ['a second bank', 'pcr_selection', quoted({ selections: [SELECTED, { bank: ALGORITHM.sha1, pcrs: [0] }] })],
  ['another PCR value', 'pcr_digest', { ...good, pcrs: altered(good.pcrs, 70) }],
  ['PCR values cut short', 'pcr_digest', { ...good, pcrs: good.pcrs.subarray(32) }],
  ['truncated log', 'log_format', { ...good, log: good.log.subarray(0, -1) }],
  ['oversized log', 'log_format', { ...good, log: new Uint8Array(300_000) }],
  ['a well-formed log that is too long', 'log_format', booted([...events, ...times(5, large)])],
  ['tampered log', 'log_event', logged(tampered)],
  ['log that does not replay', 'log_replay', logged(events.slice(0, -1))],
  ['log in another order', 'log_replay', logged(events.toReversed())],
  ['Secure Boot switched off', 'secure_boot', booted(switchedOff)],
  [
    "somebody else's Secure Boot keys",
    'secure_boot',
    booted(sampleEvents(image, sampleTrust('99999999-2222-4333-8444-555555555555'))),
  ],
  ['unknown release', 'release_unknown', booted(sampleEvents(otherKernel, trust))],
  ['revoked release', 'release_revoked', good, { policy: policy(release('1.2.3', { revoked: true })) }],
  [
    'release revoked under another version',
    'release_revoked',
    good,
    { policy: policy([release('1.2.3'), release('1.2.2', { revoked: true })]) },
  ],
  ['release before its time', 'release_early', good, { policy: policy(release('1.2.3', { notBefore: NOW + 1 })) }],
  ['release after its time', 'release_expired', good, { policy: policy(release('1.2.3', { notAfter: NOW })) }],
  ['old release', 'release_old', good, { policy: policy(release('1.2.3'), '1.2.4') }],
  ['command line added to', 'command_line', booted([...events, commandLine])],
  ['other firmware', 'firmware', booted(sampleEvents(image, trust, 'firmware 2')), { firmware: firmwareOf(good) }],
  ['other code', 'firmware', good, { firmware: { ...firmwareOf(good), code: new Uint8Array(32) } }],
  ['other drivers', 'firmware', good, { firmware: { ...firmwareOf(good), drivers: new Uint8Array(32) } }],
];

for (const pcr of [4, 9, 11] as const)
  FORGED.push([
    `a release that shows another PCR ${pcr}`,
    'release_unknown',
    good,
    { policy: policy(release('1.2.3', { pcrs: { ...predictPcrs(image, trust), [pcr]: new Uint8Array(32) } })) },
  ]);

for (const type of [EVENT.separator, EVENT.efiAction, EVENT.variableDriverConfig, EVENT.variableAuthority])
  FORGED.push([
    `a log whose data is not what was measured, in an event of type ${type.toString(16)}`,
    'log_event',
    logged(events.map((event) => (event.type === type ? withOtherData(event) : event))),
  ]);

function firmwareOf(evidence: Evidence) {
  const outcome = judge(evidence, expectations);
  return isRefused(outcome) ? assert.fail() : outcome.firmware;
}

for (const [what, meant, evidence, change] of FORGED)
  test(`${what}: ${meant}`, () => assert.equal(verdict(evidence, change), meant));

const boot: AskingBoot = {
  clock: CLOCK,
  handover: new Uint8Array(32),
  attestationKey: tpm.attestationKey.name,
  keys: keysDigest(keys),
};
const secrets = random.bytes(32);
const last: ActivatedBoot = {
  ...CLOCK,
  attestationKey: boot.attestationKey,
  keys: boot.keys,
  secrets,
};
const later = { ...boot, clock: { ...CLOCK, resets: 6 } };
const renewing = { ...boot, handover: handedOver(secrets), clock: { ...CLOCK, milliseconds: 2000n } };

test('secrets are given once a boot, certificates again and again', () => {
  assert.equal(discontinuity('activate', undefined, boot), undefined);
  assert.equal(discontinuity('activate', last, later), undefined);
  assert.equal(discontinuity('renew', last, renewing), undefined);
});

const STEPS: readonly [
  what: string,
  meant: AttestationRefusal,
  'activate' | 'renew',
  ActivatedBoot | undefined,
  AskingBoot,
][] = [
  ['second activation', 'already_activated', 'activate', last, boot],
  [
    'second activation after a sleep',
    'already_activated',
    'activate',
    last,
    { ...boot, clock: { ...CLOCK, restarts: 1 } },
  ],
  ['resets gone back', 'counters', 'activate', last, { ...boot, clock: { ...CLOCK, resets: 4 } }],
  ['restarts gone back', 'counters', 'renew', { ...last, restarts: 1 }, renewing],
  ['clock gone back', 'counters', 'renew', last, { ...renewing, clock: { ...CLOCK, milliseconds: 999n } }],
  ['activation of a machine that has secrets of somebody', 'handover', 'activate', undefined, renewing],
  ['renewal without activation', 'not_activated', 'renew', undefined, renewing],
  ['renewal in another boot', 'another_boot', 'renew', last, { ...renewing, clock: { ...CLOCK, resets: 6 } }],
  ['renewal after a sleep', 'another_boot', 'renew', last, { ...renewing, clock: { ...CLOCK, restarts: 1 } }],
  ['renewal by another key', 'ak_changed', 'renew', last, { ...renewing, attestationKey: new Uint8Array(34) }],
  ['renewal for other keys', 'keys_changed', 'renew', last, { ...renewing, keys: new Uint8Array(32) }],
  [
    'renewal by who has not taken the secrets',
    'handover',
    'renew',
    last,
    { ...renewing, handover: new Uint8Array(32) },
  ],
];

for (const [what, meant, purpose, before, now] of STEPS)
  test(`${what}: ${meant}`, () => assert.equal(discontinuity(purpose, before, now), meant));

test('PCR 0 begins with the locality that measured first, the others with zeros', () => {
  assert.equal(replayed({ events: [], locality: 3 }, 0).toHex(), `${'00'.repeat(31)}03`);
  assert.equal(replayed({ events: [], locality: 3 }, 2).toHex(), '00'.repeat(32));
});

test('versions are ordered as people mean them', () => {
  const ordered = ['0.9.9', '0.10.0-rc1', '0.10.0-rc2', '0.10.0', '1.0.0', '1.0.10', '1.2.0'].map((text) =>
    parseVersion(text),
  ) as Version[];
  for (const [index, version] of ordered.entries()) {
    for (const [other, against] of ordered.entries())
      assert.equal(Math.sign(compareVersions(version, against)), Math.sign(index - other), `${version} ${against}`);
  }
  for (const junk of ['', '1', '1.2', '1.2.3.4', 'v1.2.3', '1.2.3-', '1.2.x', '1.2.3 '])
    assert.equal(parseVersion(junk), undefined);
});

test('an image without a measured section cannot be predicted', () => {
  assert.throws(() => predictPcrs(sampleImage({ '.linux': 'a' }), trust), UnpredictableError);
});
