// SPDX-License-Identifier: AGPL-3.0-or-later
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../../src/host/processes/process.os.ts';
import { compileToken, TokenKey, type TokenModule } from '../../../src/image/tokens/token.os.ts';

/** The token in software that stands in for a YubiKey wherever there is none: same interface, no protection. */
export const SOFTHSM = '/usr/lib/softhsm/libsofthsm2.so';

export interface SoftToken extends TokenModule {
  readonly key: TokenKey;
  readonly pin: Uint8Array;
}

/** A new token below `directory` with an RSA-2048 key called `sign`. */
export async function softToken(directory: string, label = 'release', pin = '314159'): Promise<SoftToken> {
  const tokens = join(directory, 'tokens');
  const configuration = join(directory, 'softhsm2.conf');
  mkdirSync(tokens, { recursive: true });
  writeFileSync(configuration, `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`);
  const environment = { SOFTHSM2_CONF: configuration };
  // The PIN of a token that protects nothing may be an argument.
  const pins = ['--so-pin', '27182818', '--pin', pin];
  await run(['softhsm2-util', '--init-token', '--free', '--label', label, ...pins], { env: environment });
  const module: TokenModule = { program: await compileToken(directory), module: SOFTHSM, environment };
  const key = new TokenKey(module, { token: label, key: 'object:sign' });
  await key.generate(Buffer.from(pin), '01', 2048);
  return { ...module, key, pin: Buffer.from(pin) };
}
