// SPDX-License-Identifier: AGPL-3.0-or-later

/** Why a release is not made, or not accepted. */
export type ReleaseRefusalCode =
  | 'command line'
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
export class ReleaseRefused extends Error {
  override readonly name = 'ReleaseRefused';
  readonly code: ReleaseRefusalCode;

  constructor(code: ReleaseRefusalCode, message: string) {
    super(message);
    this.code = code;
  }
}
