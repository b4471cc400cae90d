// SPDX-License-Identifier: AGPL-3.0-or-later
import type { EpochDay } from '../../core/clock/clock.ts';
import type { Entitlement, LicenceId, UsageTag } from '../../core/licences/licence.ts';

const BIGGEST_LICENCE = 2 ** 39 - 1;
const LAST_DAY = 2 ** 16 - 1;

/** Writes the 16 bytes of layout.ts. Throws a RangeError for what the layout cannot hold. */
export function writeEntitlement(view: DataView, at: number, entitlement: Entitlement): void {
  const { licence, expiresOn, seats, usageTag } = entitlement;
  assertWithin('licence', licence, 1, BIGGEST_LICENCE);
  assertWithin('last day', expiresOn, 0, LAST_DAY);
  assertWithin('number of seats', seats, 1, 255);
  if (!/^[0-9a-f]{16}$/.test(usageTag)) throw new RangeError('a usage tag is 16 hex digits');
  view.setUint8(at, Math.floor(licence / 2 ** 32));
  view.setUint32(at + 1, licence % 2 ** 32);
  view.setUint16(at + 5, expiresOn);
  view.setUint8(at + 7, seats);
  view.setBigUint64(at + 8, BigInt(`0x${usageTag}`));
}

function assertWithin(what: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`a ${what} is from ${least} to ${most}`);
  }
}

/** Whether the 16 bytes are an entitlement: a licence of 39 bits that is not zero, and at least one seat. */
export function isEntitlement(view: DataView, at: number): boolean {
  const high = view.getUint8(at);
  return high < 0x80 && (high | view.getUint32(at + 1)) !== 0 && view.getUint8(at + 7) !== 0;
}

/**
 * The four words of the layout, decoded when they are asked for: a login makes this one small object and no text. It holds
 * nothing of the file, which may be replaced meanwhile.
 */
class ReadEntitlement implements Entitlement {
  readonly #licence: number;
  readonly #terms: number;
  readonly #tagHigh: number;
  readonly #tagLow: number;

  constructor(view: DataView, at: number) {
    this.#licence = view.getInt32(at);
    this.#terms = view.getInt32(at + 4);
    this.#tagHigh = view.getInt32(at + 8);
    this.#tagLow = view.getInt32(at + 12);
  }

  get licence(): LicenceId {
    return ((this.#licence >>> 0) * 256 + (this.#terms >>> 24)) as LicenceId;
  }

  get expiresOn(): EpochDay {
    return ((this.#terms >>> 8) & 0xffff) as EpochDay;
  }

  get seats(): number {
    return this.#terms & 0xff;
  }

  get usageTag(): UsageTag {
    return (hex(this.#tagHigh) + hex(this.#tagLow)) as UsageTag;
  }
}

export function readEntitlement(view: DataView, at: number): Entitlement {
  return new ReadEntitlement(view, at);
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
