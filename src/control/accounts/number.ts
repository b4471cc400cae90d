// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHash } from 'node:crypto';
import type { Random } from '../../core/random/random.ts';
import type { AccountNumber } from './account.ts';

/** Crockford's base 32: no I, L, O and U, so that it can be read out and written down. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** 18 random characters are 90 bits; two check characters follow. */
const RANDOM_CHARACTERS = 18;
const LENGTH = 20;

/**
 * The largest prime below 32 * 32. Being prime and larger than 31 * 31, the check finds every single wrong character
 * and every two neighbours that changed places.
 */
const CHECK_PRIME = 1021;

export function newAccountNumber(random: Random): AccountNumber {
  const digits = [...random.bytes(RANDOM_CHARACTERS)].map((byte) => byte & 31);
  return grouped([...digits, ...checkOf(digits)]);
}

/**
 * Reads what a person typed. Any case, spaces and dashes are forgiven, O is 0, I and L are 1.
 * `malformed`: not 20 characters of the alphabet. `mistyped`: the check characters do not fit the others.
 */
export function parseAccountNumber(typed: string): { readonly number: AccountNumber } | 'malformed' | 'mistyped' {
  if (!/^[0-9A-Za-z\s-]{1,100}$/.test(typed)) return 'malformed';
  const plain = typed.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1');
  const digits = plain.split('').map((character) => ALPHABET.indexOf(character));
  if (digits.length !== LENGTH || digits.includes(-1)) return 'malformed';
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
