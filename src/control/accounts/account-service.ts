// SPDX-License-Identifier: AGPL-3.0-or-later
import { sameBytes, sha256 } from '../../bytes/formats/fingerprint.ts';
import { type Clock, type EpochDay, today } from '../../core/clock/clock.ts';
import type { Licence, LicenceId } from '../../core/licences/licence.ts';
import { below, type Random } from '../../core/random/random.ts';
import type { Database } from '../database/tables.ts';
import { accountByNumber, deleteSignIn, insertAccount, insertSignIn, signedIn } from './account.store.ts';
import type { AccountId, Customer, SignIn, SignInRefusal, SignInToken, SignUp } from './account.ts';
import { insertCredential } from './credential.store.ts';
import { type CredentialSalt, drawCredentials, recordOf } from './credential.ts';
import type { FailureLimiter } from './failure-limiter.ts';
import { accountNumberHash, newAccountNumber, parseAccountNumber } from './number.ts';

/** What an operator decides about new accounts. */
export interface Offer {
  /** Days that a new licence is valid after the day of sign-up. */
  readonly days: number;
  readonly seats: number;
}

export interface AccountsContext {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly offer: Offer;
  readonly salt: CredentialSalt;
  /** For failed sign-ins. */
  readonly failures: FailureLimiter;
  /** For sign-ups, which cost a row each. */
  readonly signUps: FailureLimiter;
  /** Called when the auth file has to be made anew. */
  readonly changed: () => void;
}

const SIGN_IN_DAYS = 30;

export class AccountService {
  readonly #context: AccountsContext;

  constructor(context: AccountsContext) {
    this.#context = context;
  }

  async signUp(): Promise<SignUp | 'busy'> {
    const { db, clock, random, offer, salt, signUps, changed } = this.#context;
    if (!(await signUps.spend())) return 'busy';
    const accountNumber = newAccountNumber(random);
    const account = Buffer.from(random.bytes(8)).toString('hex') as AccountId;
    const licence: Licence = {
      id: (1 + below(random, 2 ** 39 - 1)) as LicenceId,
      expiresOn: (today(clock) + offer.days) as EpochDay,
      seats: offer.seats,
      trial: true,
    };
    const credentials = drawCredentials(random);
    const signIn = await db.transaction().execute(async (transaction) => {
      await insertAccount(transaction, account, accountNumberHash(accountNumber), licence);
      await insertCredential(transaction, recordOf(salt, licence.id, credentials));
      return this.#open(transaction, account);
    });
    changed();
    return { accountNumber, signIn, customer: { account, licence }, credentials };
  }

  /** Takes the number as typed: any case, spaces and dashes anywhere, O for 0, I and L for 1. */
  async signIn(typed: string): Promise<SignIn | SignInRefusal> {
    const { db, failures } = this.#context;
    const parsed = parseAccountNumber(typed);
    if (typeof parsed === 'string') return parsed;
    const account = await accountByNumber(db, accountNumberHash(parsed.number));
    if (account === undefined) return (await failures.spend()) ? 'unknown' : 'busy';
    return this.#open(db, account);
  }

  /** Hostile input: any string. Undefined unless it is the token of a sign-in that is still valid. */
  async customerOf(token: string): Promise<Customer | undefined> {
    const { db, clock } = this.#context;
    const hash = signInHash(token);
    if (hash === undefined) return undefined;
    const found = await signedIn(db, hash, today(clock));
    return found !== undefined && sameBytes(hash, found.tokenHash) ? found.customer : undefined;
  }

  async signOut(token: string): Promise<void> {
    const hash = signInHash(token);
    if (hash !== undefined) await deleteSignIn(this.#context.db, hash);
  }

  async #open(db: Database, account: AccountId): Promise<SignIn> {
    const { clock, random } = this.#context;
    const token = Buffer.from(random.bytes(32)).toString('base64url') as SignInToken;
    const expiresOn = (today(clock) + SIGN_IN_DAYS) as EpochDay;
    await insertSignIn(db, signInHash(token) as Uint8Array, account, expiresOn);
    return { token, expiresOn };
  }
}

/** What pages and API see of it. */
export type Accounts = Pick<AccountService, keyof AccountService>;

/** What is stored of a sign-in; undefined for a text that is no token of ours. */
function signInHash(token: string): Uint8Array | undefined {
  return /^[0-9A-Za-z_-]{43}$/.test(token) ? sha256(token) : undefined;
}
