// SPDX-License-Identifier: AGPL-3.0-or-later

/** Why a release is not made, or not believed. */
export type RefusalCode =
  | 'keyring'
  | 'builders'
  | 'build'
  | 'statement'
  | 'same builder'
  | 'different bytes'
  | 'last try'
  | 'signature'
  | 'release';

/** A person has to do something. The message says what; nothing was written. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string) {
    super(message);
    this.code = code;
  }
}
