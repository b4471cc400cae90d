// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHmac, hkdfSync } from 'node:crypto';
import { sameBytes } from '../../bytes/formats/fingerprint.ts';
import { type Clock, today } from '../../core/clock/clock.ts';
import type { Random } from '../../core/random/random.ts';
import type { UsageKey } from '../usage/tag.ts';

/** Makes the hidden fields. From the usage key, so that it outlives a restart and is the same in every control. */
export type FormKey = Uint8Array & { readonly __unit: 'form key' };

/** A form that came back. */
export interface OpenedForm {
  /** What the form makes is drawn from here: sent twice, it makes the same twice. */
  readonly random: Random;
  /** Whether the form was made when things stood so. */
  readonly saw: (state: string) => boolean;
}

const NONCE = 16;
const DAY = 4;
const STATE = 8;
const BODY = NONCE + DAY + STATE;
const MAC = 16;

/** 44 bytes are 59 characters. */
const FIELD = /^[0-9A-Za-z_-]{59}$/;

/** More than any form draws. */
const CHANCE = 256;

export function formKeyOf(usageKey: UsageKey): FormKey {
  return createHmac('sha256', usageKey).update('lethe forms v1').digest() as Uint8Array as FormKey;
}

/**
 * Forms that make secrets: an account number, VPN passwords. A reload, the way back and a double click send the same form
 * again, and must show the same secrets. Nothing is stored for that. The secrets follow from the service's key and the
 * hidden field; the field alone says nothing, and after its second day it opens nothing.
 */
export class Forms {
  readonly #key: FormKey;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(key: FormKey, clock: Clock, random: Random) {
    this.#key = key;
    this.#clock = clock;
    this.#random = random;
  }

  /** The hidden field of a new form. `purpose` says what it makes and for whom, `state` what was there before. */
  make(purpose: string, state = ''): string {
    const day = Buffer.alloc(DAY);
    day.writeUInt32BE(today(this.#clock));
    const body = Buffer.concat([this.#random.bytes(NONCE), day, this.#digest('state', state, STATE)]);
    return Buffer.concat([body, this.#digest(`field ${purpose}`, body, MAC)]).toString('base64url');
  }

  /** Hostile input: any field. Undefined unless it was made here, for this purpose, today or yesterday. */
  open(purpose: string, field: string): OpenedForm | undefined {
    if (!FIELD.test(field)) return undefined;
    const bytes = Buffer.from(field, 'base64url');
    const body = bytes.subarray(0, BODY);
    if (!sameBytes(bytes.subarray(BODY), this.#digest(`field ${purpose}`, body, MAC))) return undefined;
    const age = today(this.#clock) - body.readUInt32BE(NONCE);
    if (age < 0 || age > 1) return undefined;
    return {
      random: this.#drawn(purpose, body),
      saw: (state) => sameBytes(body.subarray(NONCE + DAY), this.#digest('state', state, STATE)),
    };
  }

  #drawn(purpose: string, body: Uint8Array): Random {
    const chance = new Uint8Array(hkdfSync('sha256', this.#key, body, `lethe forms v1 ${purpose}`, CHANCE));
    let at = 0;
    return {
      bytes(length) {
        at += length;
        if (at > CHANCE) throw new RangeError('a form draws no more than this');
        return chance.slice(at - length, at);
      },
    };
  }

  #digest(label: string, data: string | Uint8Array, length: number): Buffer {
    return createHmac('sha256', this.#key).update(`${label}\n`).update(data).digest().subarray(0, length);
  }
}
