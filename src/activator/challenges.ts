// SPDX-License-Identifier: AGPL-3.0-or-later
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { z } from 'zod';
import { joined } from '../bytes/formats/der.ts';
import { readMessage, writeMessage } from '../contracts/activation/messages.ts';
import type { Clock } from '../core/clock/clock.ts';
import type { Random } from '../core/random/random.ts';
import { type AttestationRefused, refused } from '../verify/attestation/refusal.ts';

/** What the activator asked a machine. Nothing of it is kept: the machine brings it back, sealed. */
export interface Asked {
  readonly gateway: string;
  readonly nonce: Uint8Array;
  readonly secret: Uint8Array;
  /** TPMT_PUBLIC */
  readonly attestationKey: Uint8Array;
  /** SHA-256 of the endorsement key. */
  readonly identity: Uint8Array;
  /** What the gateway's TPM had shown of its last boot by then; undefined for one that has had none. */
  readonly shown?: ShownClock | undefined;
}

/** Counters of a boot, and milliseconds on its TPM's clock. */
export interface ShownClock {
  readonly resets: number;
  readonly restarts: number;
  readonly milliseconds: number;
}

const binary = z
  .string()
  .max(1024)
  .transform((text): Uint8Array => Uint8Array.fromBase64(text));
const ASKED = z.strictObject({
  gateway: z.string(),
  nonce: binary,
  secret: binary,
  attestationKey: binary,
  identity: binary,
  shown: z.strictObject({ resets: z.number(), restarts: z.number(), milliseconds: z.number() }).optional(),
  expires: z.number(),
});

/** Milliseconds. A machine that is emulated on a busy host takes some ten seconds. */
const LIFETIME = 120_000;
const IV = 12;
const TAG = 16;

/**
 * Each client stores its own challenge, sealed, so that strangers cannot fill our memory. Only those that were
 * answered by the right TPM are remembered, until they would have expired. A restart forgets the key, and so
 * every open challenge.
 */
export class Challenges {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #key: Uint8Array;
  readonly #answered = new Map<string, number>();

  constructor({ clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = clock;
    this.#random = random;
    this.#key = random.bytes(32);
  }

  seal(asked: Asked): Uint8Array {
    const iv = this.#random.bytes(IV);
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv);
    const text = writeMessage({ ...asked, expires: this.#clock.elapsed() + LIFETIME });
    return joined([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  }

  open(sealed: Uint8Array): Asked | AttestationRefused {
    const text = this.#opened(sealed);
    const asked = text === undefined ? undefined : readMessage(ASKED, text);
    if (asked === undefined) return refused('nonce_unknown');
    if (this.#clock.elapsed() >= asked.expires) return refused('nonce_expired');
    return this.#answered.has(asked.nonce.toHex()) ? refused('nonce_used') : asked;
  }

  /** From now on the question counts as answered, whatever becomes of the answer. */
  close({ nonce }: Asked): void {
    const now = this.#clock.elapsed();
    for (const [answered, until] of this.#answered) if (until <= now) this.#answered.delete(answered);
    this.#answered.set(nonce.toHex(), now + LIFETIME);
  }

  #opened(sealed: Uint8Array): string | undefined {
    if (sealed.length < IV + TAG) return undefined;
    const decipher = createDecipheriv('aes-256-gcm', this.#key, sealed.subarray(0, IV));
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG));
    try {
      const plain = decipher.update(sealed.subarray(IV, sealed.length - TAG));
      return Buffer.concat([plain, decipher.final()]).toString('utf8');
    } catch {
      return undefined;
    }
  }
}
