// SPDX-License-Identifier: AGPL-3.0-or-later
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { sha256 } from '../../bytes/formats/fingerprint.ts';
import type { Operator } from '../../contracts/activation/operator.ts';
import { GATEWAY_FILES } from '../../contracts/plan/plan.ts';
import type { Clock } from '../../core/clock/clock.ts';
import type { Journal } from '../../core/journal/journal.ts';
import { fraction, type Random } from '../../core/random/random.ts';
import { placeFiles } from '../../host/files/place.os.ts';
import { CommandError } from '../../host/processes/process.os.ts';
import { HANDOVER_PCR, type Purpose } from '../../verify/attestation/evidence.ts';
import type { AttestationRefusal } from '../../verify/attestation/refusal.ts';
import { freshKeys, publishedKeys, retireFreshKeys } from './boot-keys.os.ts';
import { GUEST_OWNERS, guestFiles, isOurs, openHandover, type Unusable } from './guest.ts';
import { postingTo } from './post.os.ts';
import { type Claim, type Proven, type Prover, prove } from './prove.ts';
import { openTpm } from './tpm.os.ts';

export interface Guest {
  readonly operator: Operator;
  /** How tpm2-tools reach the TPM: `device:/dev/tpmrm0`. */
  readonly tcti: string;
  /** File with the firmware's event log. */
  readonly log: string;
  /** The directory above /run/lethe: `/`, or a directory of a test. */
  readonly root: string;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly random: Random;
  /** Milliseconds between the first attempts. They grow up to sixty times. */
  readonly pause?: number;
}

/** `reboot`: nothing helps in this boot any more. */
export type GuestOutcome = 'done' | 'reboot';

const PAUSE = 1000;
const LONGEST_PAUSE = 60;

/** Refusals that no repetition in this boot can change. All others may: an operator enrols, a policy is mended. */
const FINAL: ReadonlySet<AttestationRefusal> = new Set<AttestationRefusal>([
  'counters',
  'already_activated',
  'not_activated',
  'another_boot',
  'ak_changed',
  'keys_changed',
  'server_key',
  'handover',
]);

/**
 * Refusals that judge a message or the activator itself. To a machine that serves, every other one says that it is no
 * longer accepted: then it must not go on with the secrets that it has.
 */
const NO_JUDGMENT: ReadonlySet<AttestationRefusal> = new Set<AttestationRefusal>([
  'oversized',
  'malformed',
  'policy_unusable',
  'nonce_unknown',
  'nonce_expired',
  'nonce_used',
]);

/** Milliseconds for which a proof on schedule is tried; the next hour brings the next one. */
const ATTESTING = 600_000;

/** When to stop asking. */
interface StopRule {
  readonly final: (refusal: AttestationRefusal) => boolean;
  /** Whether the time is up. */
  readonly over?: () => boolean;
}

const BEFORE_SERVING: StopRule = { final: (refusal) => FINAL.has(refusal) };
const disbelieved = (refusal: AttestationRefusal) => !NO_JUDGMENT.has(refusal);

/**
 * Contexts of the TPM, and keys until they are where they are used: in memory, and for no other user. Every program of
 * the gateway may pass through the directory above.
 */
export function guestDirectory(root: string): string {
  const above = join(root, GATEWAY_FILES.directory);
  const directory = join(above, 'activation');
  mkdirSync(above, { recursive: true, mode: 0o755 });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return directory;
}

/** Gets this machine its secrets: proves what it runs, measures what it is handed, and places it. */
export async function activate(guest: Guest): Promise<GuestOutcome> {
  const directory = guestDirectory(guest.root);
  const prover = proverOf(guest, 'activate');
  const [keys, attestationKey] = await Promise.all([
    freshKeys(directory, guest.random),
    prover.tpm.makeAttestationKey(),
  ]);
  const claim = { purpose: 'activate', attestationKey, keys: keys.published, server: keys.server } as const;
  const proven = await persist(guest, prover, claim, BEFORE_SERVING);
  if (typeof proven === 'string') return 'reboot';
  const handover = openHandover(proven, keys, guest.clock.wall());
  if ('unusable' in handover) return unusable(guest, handover.unusable);
  // From here on a quote shows that this boot has taken its secrets.
  await prover.tpm.extend(HANDOVER_PCR, sha256(handover.bytes));
  placeFiles(guest.root, guestFiles(handover, proven, keys, { random: guest.random, owners: GUEST_OWNERS }));
  keepExpiry(guest, proven.certificate);
  retireFreshKeys(directory, keys);
  guest.journal.say({ code: 'activated', release: handover.bundle.release });
  return 'done';
}

/**
 * Gets a new certificate for the keys of this boot. A machine without one has no business serving: WireGuard has no
 * certificate that would stop it, so the machine itself stops when the old one expires: by its clock, or by the time that
 * has passed since the grant, for a clock can be set back.
 */
export async function renew(guest: Guest): Promise<GuestOutcome> {
  const read = (path: string) => readFileSync(join(guest.root, path), 'utf8');
  const expires = validUntil(read(GATEWAY_FILES.serverCertificate));
  const ends = Number(readFileSync(expiryFile(guest.root), 'utf8'));
  const prover = proverOf(guest, 'renew');
  const claim = claimAgain(guest, prover, 'renew');
  const over = () => guest.clock.wall() >= expires || guest.clock.elapsed() >= ends;
  const proven = await persist(guest, prover, claim, { final: disbelieved, over });
  if (proven === 'over') guest.journal.say({ code: 'certificate_expired' });
  if (typeof proven === 'string') return 'reboot';
  const expected = { authority: read(GATEWAY_FILES.caCertificate), key: claim.server, now: guest.clock.wall() };
  if (!isOurs(proven.certificate, expected)) return unusable(guest, 'certificate');
  const path = GATEWAY_FILES.serverCertificate;
  placeFiles(guest.root, [{ path, content: proven.certificate, mode: 0o644, owner: { uid: 0, gid: 0 } }]);
  keepExpiry(guest, proven.certificate);
  guest.journal.say({ code: 'renewed' });
  return 'done';
}

function validUntil(certificate: string): number {
  return new X509Certificate(certificate).validToDate.getTime();
}

function expiryFile(root: string): string {
  return join(guestDirectory(root), 'expires');
}

/** Writes when the certificate ends, as elapsed time of this boot: its dates include the time of now by the clock. */
function keepExpiry({ root, clock }: Guest, certificate: string): void {
  writeFileSync(expiryFile(root), String(clock.elapsed() + validUntil(certificate) - clock.wall()), { mode: 0o600 });
}

/** Proves that this is still the boot that was activated, and asks for nothing. Silence is no reason to end. */
export async function attest(guest: Guest): Promise<GuestOutcome> {
  const prover = proverOf(guest, 'attest');
  const until = guest.clock.elapsed() + ATTESTING;
  const over = () => guest.clock.elapsed() >= until;
  const proven = await persist(guest, prover, claimAgain(guest, prover, 'attest'), { final: disbelieved, over });
  if (proven === 'final') return 'reboot';
  if (proven !== 'over') guest.journal.say({ code: 'attested' });
  return 'done';
}

/** A claim with the keys of this boot, which were activated. */
function claimAgain<P extends Purpose>({ root }: Guest, { tpm }: Prover, purpose: P): Claim<P> {
  const server = createPrivateKey(readFileSync(join(root, GATEWAY_FILES.serverKey)));
  const keys = publishedKeys(guestDirectory(root), server);
  return { purpose, attestationKey: tpm.attestationKey(), keys, server };
}

function proverOf({ root, tcti, operator, log, random }: Guest, purpose: Purpose): Prover {
  const directory = join(guestDirectory(root), 'tpm');
  return {
    tpm: openTpm(directory, tcti, random, join(directory, purpose)),
    post: postingTo(operator),
    log: () => new Uint8Array(readFileSync(log)),
  };
}

function unusable({ journal }: Guest, reason: Unusable): GuestOutcome {
  journal.say({ code: 'activation_unusable', reason });
  return 'reboot';
}

/** Tries until the activator accepts us, says something final, or the time is over. */
async function persist<P extends Purpose>(
  guest: Guest,
  prover: Prover,
  claim: Claim<P>,
  { final, over = () => false }: StopRule,
): Promise<Proven<P> | 'final' | 'over'> {
  const { journal, random, pause = PAUSE } = guest;
  let said = '';
  const say = (what: string, event: Parameters<Journal['say']>[0]) => {
    if (said !== what) journal.say(event);
    said = what;
  };
  for (let attempt = 0; !over(); attempt += 1) {
    const outcome = await prove(prover, claim).catch((error: unknown) =>
      error instanceof CommandError ? ('tpm' as const) : ('lost' as const),
    );
    if (outcome === 'tpm') say(outcome, { code: 'failed', program: 'activation', failure: outcome });
    else if (outcome === 'lost') say(outcome, { code: 'activator_lost' });
    else if ('binding' in outcome) return outcome;
    else if ('unusable' in outcome) say('unusable', { code: 'activation_unusable', reason: outcome.unusable });
    else {
      say(outcome.refused, { code: 'activation_refused', reason: outcome.refused });
      if (final(outcome.refused)) return 'final';
    }
    await delay(pause * Math.min(2 ** attempt, LONGEST_PAUSE) * (0.8 + 0.4 * fraction(random)));
  }
  return 'over';
}
