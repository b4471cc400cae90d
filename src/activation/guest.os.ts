// SPDX-License-Identifier: AGPL-3.0-or-later
import { createPrivateKey } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { HANDOVER_PCR } from '../attestation/evidence.ts';
import type { Refusal } from '../attestation/refusal.ts';
import { sha256 } from '../formats/tpm.ts';
import { placeFiles } from '../gateway/place.os.ts';
import type { Operator } from '../image/operator.ts';
import type { Journal } from '../journal/journal.ts';
import { CommandError } from '../processes/process.os.ts';
import { fraction, type Random } from '../random/random.ts';
import { GATEWAY_FILES } from '../tunnels/plan.ts';
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
  /** Below which /run/lethe lies: `/`, or a directory of a test. */
  readonly root: string;
  readonly journal: Journal;
  readonly random: Random;
  /** Milliseconds between the first attempts. They grow up to sixty times. */
  readonly pause?: number;
}

/** `reboot`: nothing helps in this boot any more. */
export type GuestOutcome = 'done' | 'reboot';

const PAUSE = 1000;
const LONGEST_PAUSE = 60;

/** Refusals that no repetition in this boot can change. All others may: an operator enrols, a policy is mended. */
const FINAL: ReadonlySet<Refusal> = new Set<Refusal>([
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
 * Contexts of the TPM, and keys until they are where they are used: in memory, and for nobody else. What lies above is for
 * every program of the gateway to pass through.
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
  const prover = proverOf(guest);
  const [keys, attestationKey] = await Promise.all([
    freshKeys(directory, guest.random),
    prover.tpm.makeAttestationKey(),
  ]);
  const claim = { purpose: 'activate', attestationKey, keys: keys.published, server: keys.server } as const;
  const proven = await persist(guest, prover, claim);
  if (proven === undefined) return 'reboot';
  const handover = openHandover(proven, keys);
  if ('unusable' in handover) return unusable(guest, handover.unusable);
  // From here on a quote shows that this boot has taken its secrets.
  await prover.tpm.extend(HANDOVER_PCR, sha256(handover.bytes));
  placeFiles(guest.root, guestFiles(handover, proven, keys, { random: guest.random, owners: GUEST_OWNERS }));
  retireFreshKeys(directory, keys);
  guest.journal.say({ code: 'activated', release: handover.bundle.release });
  return 'done';
}

/** Gets a new certificate for the keys of this boot. */
export async function renew(guest: Guest): Promise<GuestOutcome> {
  const at = (path: string) => join(guest.root, path);
  const server = createPrivateKey(readFileSync(at(GATEWAY_FILES.serverKey)));
  const prover = proverOf(guest);
  const proven = await persist(guest, prover, {
    purpose: 'renew',
    attestationKey: prover.tpm.attestationKey(),
    keys: publishedKeys(guestDirectory(guest.root), server),
    server,
  });
  if (proven === undefined) return 'reboot';
  const authority = readFileSync(at(GATEWAY_FILES.caCertificate), 'utf8');
  if (!isOurs(proven.certificate, authority, server)) return unusable(guest, 'certificate');
  const path = GATEWAY_FILES.serverCertificate;
  placeFiles(guest.root, [{ path, content: proven.certificate, mode: 0o644, owner: { uid: 0, gid: 0 } }]);
  guest.journal.say({ code: 'renewed' });
  return 'done';
}

function proverOf({ root, tcti, operator, log, random }: Guest): Prover & { readonly tpm: ReturnType<typeof openTpm> } {
  return {
    tpm: openTpm(join(guestDirectory(root), 'tpm'), tcti, random),
    post: postingTo(operator),
    log: () => new Uint8Array(readFileSync(log)),
  };
}

function unusable({ journal }: Guest, reason: Unusable): GuestOutcome {
  journal.say({ code: 'activation_unusable', reason });
  return 'reboot';
}

/** Tries until the activator believes us. Undefined when that cannot happen in this boot. */
async function persist(guest: Guest, prover: Prover, claim: Claim): Promise<Proven | undefined> {
  const { journal, random, pause = PAUSE } = guest;
  let said = '';
  const say = (what: string, event: Parameters<Journal['say']>[0]) => {
    if (said !== what) journal.say(event);
    said = what;
  };
  for (let attempt = 0; ; attempt += 1) {
    const outcome = await prove(prover, claim).catch((error: unknown) =>
      error instanceof CommandError ? ('tpm' as const) : ('lost' as const),
    );
    if (outcome === 'tpm') say(outcome, { code: 'failed', program: 'activation', failure: outcome });
    else if (outcome === 'lost') say(outcome, { code: 'activator_lost' });
    else if ('certificate' in outcome) return outcome;
    else if ('unusable' in outcome) say('unusable', { code: 'activation_unusable', reason: outcome.unusable });
    else {
      say(outcome.refused, { code: 'activation_refused', reason: outcome.refused });
      if (FINAL.has(outcome.refused)) return undefined;
    }
    await delay(pause * Math.min(2 ** attempt, LONGEST_PAUSE) * (0.8 + 0.4 * fraction(random)));
  }
}
