// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Retention } from './retention.ts';

/**
 * What a value may look like. Each kind has one test in guard.ts, applied whenever a value is stored or sent, so a
 * field cannot carry more than it declares.
 */
export type Kind =
  | 'date' // 2026-11-21, no time
  | 'count' // whole number, 0 to 2^53 - 1
  | 'megabytes' // whole number of 10^6 bytes, rounded up
  | 'flag' // true or false
  | 'random' // random identifier: hex or base64url, says nothing
  | 'digest' // hash or MAC: hex or base64url
  | 'bytes' // opaque binary: verifiers, public keys, ciphertext
  | 'public-key' // base64
  | 'country' // two capital letters or unknown
  | 'isp' // name of a network, never an address
  | 'word' // member of a closed set: lower-case letters, digits, '.', '_' and '-'
  | 'name' // short text chosen by the operator or by a program, never an address
  | 'secret' // shown once, stored nowhere
  | 'document'; // a public text or a rendered profile

export type Holder = 'control' | 'gateway' | 'customer' | 'operator';

/** One datum that the service may keep or send. What is not declared here can be neither stored nor sent. */
export interface Datum {
  readonly kind: Kind;
  readonly purpose: string;
  readonly holder: Holder;
  readonly retention: Retention;
}

/** A record's fields by name. Stores are named `database.TABLE`, `api.SCHEMA`, `exit.MESSAGE`, `journal.CODE`, `live.TABLE`,
 * `activator.TABLE`, `attested.MESSAGE`. */
export type Declaration = Readonly<Record<string, Datum>>;

/** Fields as the inventory writes them down. Who holds them, and for how long, the whole record declares once. */
type Fields = Readonly<Record<string, Pick<Datum, 'kind' | 'purpose'>>>;

type DatumOf<F extends Fields> = { readonly [Name in keyof F]: Datum & Pick<F[Name], 'kind'> };

interface Kept<F extends Fields> extends Pick<Datum, 'holder' | 'retention'> {
  readonly fields: F;
}

/** The fields of one record, which come and go together. */
export function declaration<const F extends Fields>({ fields, holder, retention }: Kept<F>): DatumOf<F> {
  const data = Object.entries(fields).map(([name, field]) => [name, { ...field, holder, retention }]);
  return Object.fromEntries(data) as DatumOf<F>;
}

/** A maker of declarations that are held alike. */
export function declarations(keeping: Omit<Kept<Fields>, 'fields'>) {
  return <const F extends Fields>(fields: F): DatumOf<F> => declaration({ ...keeping, fields });
}

/** What says in a row whose it is. The usage tag is the keyed hash that stands for a VPN username. */
export type CustomerKey = 'account' | 'licence' | 'usage tag';

/**
 * Whom the rows of a store are about. From this mark follows what "What we know about you" shows and which tables are
 * put into the order of their values; a store without one does not compile.
 */
export type About<Field extends string = string> =
  /** Each row is about one customer: it is the one whose key is in `column`. */
  | { readonly customer: CustomerKey; readonly column: Field }
  /** About customers, but no field says which: neither account, nor licence, nor usage tag. */
  | 'unlinked'
  /** About the service itself. */
  | 'service';

/** A record that is kept, and not only sent. */
export interface Store<F extends Declaration = Declaration> {
  readonly about: About<keyof F & string>;
  readonly fields: F;
}

/** Declares a store. The column that leads to a customer must be one of its fields. */
export function store<const F extends Fields, const A extends About<keyof F & string>>({
  about,
  ...kept
}: Kept<F> & { readonly about: A }): Store<DatumOf<F>> & { readonly about: A } {
  return { about, fields: declaration(kept) };
}
