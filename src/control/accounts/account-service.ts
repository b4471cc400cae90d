// SPDX-License-Identifier: AGPL-3.0-or-later
import { sameBytes, sha256 } from '../../bytes/formats/fingerprint.ts';
import { type Clock, type EpochDay, today } from '../../core/clock/clock.ts';
import type { Licence, LicenceId } from '../../core/licences/licence.ts';
import { below, type Random } from '../../core/random/random.ts';
import type { Database } from '../database/tables.ts';
import {
  accountByNumber,
  customerByNumber,
  deleteAccount,
  deleteOldestSignIns,
  deleteOtherSignIns,
  deleteSignIn,
  insertAccount,
  insertSignIn,
  lockLicence,
  numberHashOf,
  replaceNumber,
  signedIn,
} from './account.store.ts';
import type {
  AccountId,
  AccountNumber,
  Customer,
  SignIn,
  SignInRefusal,
  SignInToken,
  SignUp,
  SignUpAgain,
} from './account.ts';
import type { AccountLimiter } from './account-limiter.ts';
import { closeAccount, wasClosed } from './closed.store.ts';
import type { FailureLimiter } from './failure-limiter.ts';
import type { Forms } from './forms.ts';
import { accountNumberHash, newAccountNumber, parseAccountNumber } from './number.ts';
import type { Made, Room } from './room.ts';

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
  readonly forms: Forms;
  /** Called when the auth file has to be made anew. */
  readonly changed: () => void;
  /** For failed sign-ins. */
  readonly failures: FailureLimiter;
  /** For sign-ins with a right number, which cost a row each. */
  readonly signIns: AccountLimiter;
  /** For sign-ups, which cost a row each. */
  readonly signUps: FailureLimiter;
  readonly room: Pick<Room, 'take'>;
}

const SIGN_IN_DAYS = 30;

/** Sign-ins of an account; with one more, the oldest ends. */
export const MOST_SIGN_INS = 20;

/** What the form makes. */
const SIGN_UP = 'sign-up';

export class AccountService {
  readonly #context: AccountsContext;

  constructor(context: AccountsContext) {
    this.#context = context;
  }

  /** A new account. Credentials for the tunnels are made when a way to connect asks for them. */
  async signUp(): Promise<SignUp | 'busy' | 'full'> {
    const { random, signUps } = this.#context;
    if (!(await signUps.spend())) return 'busy';
    const fresh = freshAccount(random);
    return this.#inRoom(async (db) => {
      const customer = (await this.#insert(db, fresh)) as Customer;
      const signIn = (await this.#open(db, customer.account)) as SignIn;
      return { made: true, answer: { accountNumber: fresh.accountNumber, customer, signIn } };
    });
  }

  /** The hidden field of a new sign-up form. */
  signUpForm(): string {
    return this.#context.forms.make(SIGN_UP);
  }

  /**
   * Hostile input: any field. The number that the form makes, or made: at sign-up, or for a customer who has changed it.
   * Undefined when it has had its time.
   */
  numberOf(form: string, customer?: Customer): AccountNumber | undefined {
    const purpose = customer === undefined ? SIGN_UP : numberPurpose(customer.account);
    const opened = this.#context.forms.open(purpose, form);
    return opened && newAccountNumber(opened.random);
  }

  /**
   * One form makes one account. Sent again, it gives the same number, and signs in who is not signed in there yet.
   * `stale`: not a form of ours, or older than yesterday. `used`: its account has another number now, or was deleted.
   */
  async signUpOnce(
    form: string,
    present: Customer | undefined,
  ): Promise<SignUp | SignUpAgain | 'busy' | 'full' | 'stale' | 'used'> {
    const { db, signUps } = this.#context;
    const opened = this.#context.forms.open(SIGN_UP, form);
    if (opened === undefined) return 'stale';
    const fresh = freshAccount(opened.random);
    const { accountNumber } = fresh;
    const there = await accountByNumber(db, accountNumberHash(accountNumber));
    if (present !== undefined && there === present.account) {
      return { accountNumber, customer: present, signIn: undefined };
    }
    if (!(await signUps.spend())) return 'busy';
    if (there !== undefined) return this.#again(db, fresh);
    return this.#inRoom((transaction) => this.#signUpFrom(transaction, fresh));
  }

  async #signUpFrom(db: Database, fresh: FreshAccount): Promise<Made<SignUp | 'used'>> {
    const customer = await this.#insert(db, fresh);
    if (customer === undefined) return { made: false, answer: await this.#again(db, fresh) };
    // Looked for last: a deletion that was under way has been waited for.
    if (await wasClosed(db, fresh.account)) {
      await deleteAccount(db, fresh.account);
      return { made: false, answer: 'used' };
    }
    const signIn = (await this.#open(db, customer.account)) as SignIn;
    return { made: true, answer: { accountNumber: fresh.accountNumber, customer, signIn } };
  }

  /** Signs in to the account that a form has made. */
  async #again(db: Database, { accountNumber }: FreshAccount): Promise<SignUp | 'used'> {
    const customer = await customerByNumber(db, accountNumberHash(accountNumber));
    const signIn = customer && (await this.#open(db, customer.account));
    return signIn ? { accountNumber, customer, signIn } : 'used';
  }

  /** Makes an account where there is room for one. */
  #inRoom<T>(make: (db: Database) => Promise<Made<T>>): Promise<T | 'full'> {
    const { db, room } = this.#context;
    return room.take(() => db.transaction().execute(make));
  }

  /** Takes the number as typed: any case, spaces and dashes anywhere, O for 0, I and L for 1. */
  async signIn(typed: string): Promise<SignIn | SignInRefusal> {
    const { db, failures } = this.#context;
    const parsed = parseAccountNumber(typed);
    if (typeof parsed === 'string') return parsed;
    const account = await accountByNumber(db, accountNumberHash(parsed.number));
    if (account === undefined) return (await failures.spend()) ? 'unknown' : 'busy';
    if (!this.#context.signIns.spend(account)) return 'busy';
    return (await this.#open(db, account)) ?? 'unknown';
  }

  /** Hostile input: any string. Undefined unless it is the token of a sign-in that is still valid. */
  async customerOf(token: string): Promise<Customer | undefined> {
    return this.#signedIn(this.#context.db, token);
  }

  async signOut(token: string): Promise<void> {
    const hash = signInHash(token);
    if (hash !== undefined) await deleteSignIn(this.#context.db, hash);
  }

  /** Ends every sign-in of the customer but the one with this token. */
  async signOutOthers({ account }: Customer, token: string): Promise<void> {
    const hash = signInHash(token);
    if (hash !== undefined) await deleteOtherSignIns(this.#context.db, account, hash);
  }

  /** A new number in place of one that somebody else may have seen. Ends every sign-in but the one with this token. */
  async changeNumber(customer: Customer, token: string): Promise<AccountNumber> {
    const { db, random } = this.#context;
    const accountNumber = newAccountNumber(random);
    await replaceNumber(db, customer.account, accountNumberHash(accountNumber));
    await this.signOutOthers(customer, token);
    return accountNumber;
  }

  /** The hidden field of a form that makes a new number in place of the present one. */
  async numberForm({ account }: Customer): Promise<string> {
    const { db, forms } = this.#context;
    return forms.make(numberPurpose(account), stateOf(await numberHashOf(db, account)));
  }

  /**
   * As {@link changeNumber}; sent again, the form shows the same number and changes nothing. `stale`: not this customer's
   * form, too old, or the number was changed since.
   */
  async changeNumberOnce(customer: Customer, token: string, form: string): Promise<AccountNumber | 'stale'> {
    const { db, forms } = this.#context;
    const opened = forms.open(numberPurpose(customer.account), form);
    if (opened === undefined) return 'stale';
    const accountNumber = newAccountNumber(opened.random);
    const hash = accountNumberHash(accountNumber);
    const outcome = await db.transaction().execute(async (transaction) => {
      await lockLicence(transaction, customer.licence.id);
      const present = stateOf(await numberHashOf(transaction, customer.account));
      if (present === stateOf(hash)) return 'shown again';
      if (!opened.saw(present)) return 'stale';
      await replaceNumber(transaction, customer.account, hash);
      return 'made';
    });
    if (outcome === 'made') await this.signOutOthers(customer, token);
    return outcome === 'stale' ? 'stale' : accountNumber;
  }

  /** Deletes the account and all that leads to it, at once and for ever; gateways end its sessions with the next auth file. */
  async close({ account }: Customer): Promise<void> {
    const { db, clock } = this.#context;
    await db.transaction().execute((transaction) => closeAccount(transaction, account, today(clock)));
    this.#context.changed();
  }

  async #signedIn(db: Database, token: string): Promise<Customer | undefined> {
    const hash = signInHash(token);
    if (hash === undefined) return undefined;
    const found = await signedIn(db, hash, today(this.#context.clock));
    return found !== undefined && sameBytes(hash, found.tokenHash) ? found.customer : undefined;
  }

  /** Undefined when there is an account of this number or key already. */
  async #insert(db: Database, { accountNumber, account }: FreshAccount): Promise<Customer | undefined> {
    const { clock, random, offer } = this.#context;
    const licence: Licence = {
      id: (1 + below(random, 2 ** 39 - 1)) as LicenceId,
      expiresOn: (today(clock) + offer.days) as EpochDay,
      seats: offer.seats,
      trial: true,
    };
    const inserted = await insertAccount(db, account, accountNumberHash(accountNumber), licence);
    return inserted ? { account, licence } : undefined;
  }

  /** Undefined when the account has just been deleted. */
  async #open(db: Database, account: AccountId): Promise<SignIn | undefined> {
    const { clock, random } = this.#context;
    const token = Buffer.from(random.bytes(32)).toString('base64url') as SignInToken;
    const expiresOn = (today(clock) + SIGN_IN_DAYS) as EpochDay;
    const hash = signInHash(token) as Uint8Array;
    if (!(await insertSignIn(db, hash, account, expiresOn))) return undefined;
    await deleteOldestSignIns(db, account, hash, MOST_SIGN_INS);
    return { token, expiresOn };
  }
}

/** Number and row key of an account that is to be made. */
interface FreshAccount {
  readonly accountNumber: AccountNumber;
  readonly account: AccountId;
}

/** Both are drawn together: a form that comes again finds its account by the key, whatever number that has now. */
function freshAccount(random: Random): FreshAccount {
  const accountNumber = newAccountNumber(random);
  return { accountNumber, account: Buffer.from(random.bytes(8)).toString('hex') as AccountId };
}

function numberPurpose(account: AccountId): string {
  return `number ${account}`;
}

function stateOf(numberHash: Uint8Array | undefined): string {
  return numberHash === undefined ? '' : Buffer.from(numberHash).toString('hex');
}

/** What pages and API see of it. */
export type Accounts = Pick<AccountService, keyof AccountService>;

/** What is stored of a sign-in; undefined for a text that is no token of ours. */
function signInHash(token: string): Uint8Array | undefined {
  return /^[0-9A-Za-z_-]{43}$/.test(token) ? sha256(token) : undefined;
}
