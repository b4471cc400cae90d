// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHash } from 'node:crypto';
import type { Random } from '../../core/random/random.ts';
import type { AccountNumber } from './account.ts';

/** Crockford's base 32: no I, L, O and U, so that it can be read out and written down. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** 18 random characters are 90 bits; two check characters follow. */
const RANDOM_CHARACTERS = 18;

/**
 * The largest prime below 32 * 32. Being prime and larger than 31 * 31, the check finds every single wrong character
 * and every two neighbours that changed places.
 */
const CHECK_PRIME = 1021;

export function newAccountNumber(random: Random): AccountNumber {
  const digits = [...random.bytes(RANDOM_CHARACTERS)].map((byte) => byte & 31);
  return grouped([...digits, ...checkOf(digits)]);
}

/** What programs put into a text that is copied: spaces, dashes of every width, marks that are not seen. */
const BETWEEN = /[\p{Z}\p{Pd}\p{Cf}\p{Cc}\u2212]+/gu;

/** More than any copy of it has. */
const LONGEST = 200;

/**
 * Reads what a person typed or pasted. Any case, spaces and dashes are forgiven, and words before a colon; O is 0, I and L
 * are 1. `malformed`: not 20 letters and digits. `mistyped`: not of the alphabet, or the check characters do not fit.
 */
export function parseAccountNumber(typed: string): { readonly number: AccountNumber } | 'malformed' | 'mistyped' {
  if (typed.length > LONGEST) return 'malformed';
  const given = typed
    .normalize('NFKC')
    .replaceAll(BETWEEN, '')
    .replace(/^[^:]*:/, '');
  if (!/^[0-9A-Za-z]{20}$/.test(given)) return 'malformed';
  const plain = given.toUpperCase().replaceAll('O', '0').replaceAll(/[IL]/g, '1');
  const digits = plain.split('').map((character) => ALPHABET.indexOf(character));
  if (digits.includes(-1)) return 'mistyped';
  const [high, low] = checkOf(digits.slice(0, RANDOM_CHARACTERS));
  if (high !== digits[RANDOM_CHARACTERS] || low !== digits[RANDOM_CHARACTERS + 1]) return 'mistyped';
  return { number: grouped(digits) };
}

/** All that is kept of an account number. One hash is enough: no one can try 2^90 numbers. */
export function accountNumberHash(number: AccountNumber): Uint8Array {
  return createHash('sha256').update(`lethe account number v1\n${number}`).digest();
}

function checkOf(digits: readonly number[]): [number, number] {
  const remainder = digits.reduce((sum, digit) => (sum * 32 + digit) % CHECK_PRIME, 0);
  const check = (remainder * 32 * 32) % CHECK_PRIME;
  return [check >> 5, check & 31];
}

/** `ABCD-EFGH-JKMN-PQRS-TVWX` */
function grouped(digits: readonly number[]): AccountNumber {
  const text = digits.map((digit) => ALPHABET[digit]).join('');
  return (text.match(/.{4}/g) as string[]).join('-') as AccountNumber;
}
