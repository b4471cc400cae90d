// SPDX-License-Identifier: AGPL-3.0-or-later

import { type Clock, type EpochDay, isoDate, today } from '../../core/clock/clock.ts';
import { assertDeclared } from '../../core/inventory/guard.ts';
import { closeAccount } from '../accounts/closed.store.ts';
import { accountNumberHash, parseAccountNumber } from '../accounts/number.ts';
import { type AccountSeen, seenByNumber, setLastDay } from '../accounts/operator.store.ts';
import { connect } from '../database/connect.os.ts';
import type { Database } from '../database/tables.ts';
import type { ControlConfig } from './config.ts';

export type AccountVerb = 'show' | 'extend' | 'close';

export interface AccountQuestion {
  readonly verb: AccountVerb;
  /** The account number, as somebody typed it. */
  readonly typed: string;
  /** For `extend`. */
  readonly days: number;
}

/** An account after the question: `ended` for a licence that has, `closed` for an account that is gone. */
export interface AccountAnswer {
  readonly [field: string]: string | number | boolean;
  readonly state: 'open' | 'ended' | 'closed';
  readonly expires_on: string;
  readonly seats: number;
  readonly trial: boolean;
  readonly devices: number;
}

export type AccountRefusal = 'malformed' | 'mistyped' | 'unknown' | 'days';

/** The most days by which a licence is extended at once, and the furthest day from today. */
const MOST_DAYS = 3660;

/** Answers an operator about one account, whose number the operator was given by its customer. */
export async function answerAccount(
  config: Pick<ControlConfig, 'database'>,
  question: AccountQuestion,
  clock: Clock,
): Promise<AccountAnswer | AccountRefusal> {
  const parsed = parseAccountNumber(question.typed);
  if (typeof parsed === 'string') return parsed;
  const db = connect(config.database);
  try {
    return await db.transaction().execute((transaction) => answer(transaction, parsed.number, question, clock));
  } finally {
    await db.destroy();
  }
}

async function answer(
  db: Database,
  number: Parameters<typeof accountNumberHash>[0],
  { verb, days }: AccountQuestion,
  clock: Clock,
): Promise<AccountAnswer | AccountRefusal> {
  const hash = accountNumberHash(number);
  const seen = await seenByNumber(db, hash);
  if (seen === undefined) return 'unknown';
  const { account, licence } = seen;
  const now = today(clock);
  if (verb === 'close') {
    await closeAccount(db, account, now);
    return declared(seen, 'closed');
  }
  if (verb === 'show') return declared(seen, licence.expiresOn < now ? 'ended' : 'open');
  const last = (Math.max(licence.expiresOn, now) + days) as EpochDay;
  if (!Number.isSafeInteger(days) || days < 1 || last > now + MOST_DAYS) return 'days';
  await setLastDay(db, licence.id, last);
  return declared({ ...seen, licence: { ...licence, expiresOn: last, trial: false } }, 'open');
}

function declared({ licence, devices }: AccountSeen, state: AccountAnswer['state']): AccountAnswer {
  const { seats, trial } = licence;
  const account = { state, expires_on: isoDate(licence.expiresOn), seats, trial, devices };
  assertDeclared('api.account', account);
  return account;
}
