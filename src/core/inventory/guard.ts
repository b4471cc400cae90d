// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Declaration, Kind } from './datum.ts';
import { INVENTORY } from './inventory.ts';

/** A record or a value that the inventory does not allow. The message names fields, never values. */
export class UndeclaredError extends Error {
  override readonly name = 'UndeclaredError';
}

const IPV4 = /\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}/;
const IPV6 = /[0-9a-f]{0,4}:[0-9a-f]{0,4}:[0-9a-f]{0,4}/i;

function wholeNumber(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function text(value: unknown, pattern: RegExp): boolean {
  return typeof value === 'string' && pattern.test(value);
}

/** Text that a person or a registry chose: short, printable, and nowhere the shape of an address. */
function plainText(value: unknown, longest: number): boolean {
  return (
    typeof value === 'string' &&
    value.length <= longest &&
    /^[^\p{Cc}]*$/u.test(value) &&
    // Looked for only where its signs are: most texts have none, and every event has three texts.
    !(value.includes('.') && IPV4.test(value)) &&
    !(value.includes(':') && IPV6.test(value))
  );
}

const ALLOWS: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  date: (value) => text(value, /^\d{4}-\d{2}-\d{2}$/),
  count: wholeNumber,
  megabytes: wholeNumber,
  flag: (value) => typeof value === 'boolean',
  random: (value) => text(value, /^[0-9A-Za-z_-]{8,64}$/),
  digest: (value) => text(value, /^[0-9A-Za-z_-]{16,128}$/),
  bytes: (value) => value instanceof Uint8Array,
  'public-key': (value) => text(value, /^[0-9A-Za-z+/]{43}=$/),
  country: (value) => text(value, /^([A-Z]{2}|unknown)$/),
  isp: (value) => plainText(value, 120),
  word: (value) => plainText(value, 64) && text(value, /^[a-z0-9][a-z0-9._-]*$/),
  name: (value) => plainText(value, 120),
  secret: (value) => text(value, /^[\x21-\x7e -]{8,128}$/),
  document: (value) => typeof value === 'string',
};

/** Whether a field of this kind may hold a value. */
export function valueAllowed(kind: Kind, value: unknown): boolean {
  return ALLOWS[kind](value);
}

/**
 * Throws unless the record has exactly the declared fields and each value is of its declared kind.
 * Every exit of every program calls this; it fails closed.
 */
export function assertDeclared(
  store: string,
  record: Readonly<Record<string, unknown>>,
  declaration: Declaration | undefined = INVENTORY[store],
): void {
  if (declaration === undefined) throw new UndeclaredError(`${store} is not in the inventory`);
  for (const field of Object.keys(record)) {
    if (!Object.hasOwn(declaration, field)) throw new UndeclaredError(`${store}.${field} is not in the inventory`);
  }
  for (const [field, kind] of kindsOf(declaration)) {
    if (!Object.hasOwn(record, field)) throw new UndeclaredError(`${store}.${field} is missing`);
    if (!ALLOWS[kind](record[field])) throw new UndeclaredError(`${store}.${field} is not of kind ${kind}`);
  }
}

const KINDS = new WeakMap<Declaration, readonly (readonly [field: string, kind: Kind])[]>();

/** Read once of each declaration: every answer and every row passes here. */
function kindsOf(declaration: Declaration): readonly (readonly [field: string, kind: Kind])[] {
  const known = KINDS.get(declaration);
  if (known !== undefined) return known;
  const kinds = Object.entries(declaration).map(([field, { kind }]) => [field, kind] as const);
  KINDS.set(declaration, kinds);
  return kinds;
}

/** Whether {@link assertDeclared} lets a value pass. The value may be anything. */
export function isDeclared(store: string, value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  try {
    assertDeclared(store, value as Readonly<Record<string, unknown>>);
    return true;
  } catch (error) {
    if (error instanceof UndeclaredError) return false;
    throw error;
  }
}
