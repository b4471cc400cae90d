// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nothing, octetString, oid, sequence } from '../../bytes/formats/der.ts';
import type { Signer } from '../../bytes/formats/x509.ts';
import { run, spawnChild } from '../../host/processes/process.os.ts';
import { type KeyPlace, type PinState, parseTokenList, TokenError, tokenErrorOf } from './token.ts';

const SOURCE = fileURLToPath(new URL('token.c', import.meta.url));
const FLAGS = ['-O2', '-Wall', '-Wextra', '-Werror', '-I/usr/include/p11-kit-1', '-fstack-protector-strong'];

/** Compiles the program that talks to tokens (see token.c) into `directory`, and gives its path. */
export async function compileToken(directory: string): Promise<string> {
  const program = join(directory, 'lethe-token');
  await run(['gcc', ...FLAGS, '-o', program, SOURCE, '-ldl']);
  return program;
}

export interface TokenModule {
  /** Of {@link compileToken}. */
  readonly program: string;
  /** The PKCS#11 library: libykcs11.so of a YubiKey, libsofthsm2.so, a maker's own. */
  readonly module: string;
  /** What the library wants in its environment, such as SOFTHSM2_CONF. Never a PIN. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** One RSA key in one token. Everything throws a {@link TokenError} when the token refuses. */
export class TokenKey {
  readonly #module: TokenModule;
  readonly place: KeyPlace;

  constructor(module: TokenModule, place: KeyPlace) {
    this.#module = module;
    this.place = place;
  }

  /** What is known of the PIN before it is tried. */
  async pinState(): Promise<PinState> {
    const token = parseTokenList(await this.#call(['list'])).find(({ label }) => label === this.place.token);
    if (token === undefined) throw new TokenError('no token', 'unknown', `no token is called '${this.place.token}'`);
    return token.pin;
  }

  async publicKey(): Promise<KeyObject> {
    const [n = '', e = ''] = (await this.#call(['public', this.place.token, this.place.key])).split('\n');
    const number = (hex: string) => Buffer.from(hex, 'hex').toString('base64url');
    return createPublicKey({ key: { kty: 'RSA', n: number(n), e: number(e) }, format: 'jwk' });
  }

  /** RSASSA-PKCS1-v1_5 with SHA-256. The same message gives the same signature. */
  async sign(message: Uint8Array, pin: Uint8Array): Promise<Uint8Array> {
    const digest = createHash('sha256').update(message).digest();
    const info = sequence(sequence(oid('2.16.840.1.101.3.4.2.1'), nothing()), octetString(digest));
    const hex = await this.#guarded(['sign', this.place.token, this.place.key, info.toHex()], pin);
    return Uint8Array.fromHex(hex.trim());
  }

  /** For certificates. Keeps the PIN as long as it is used. */
  signer(pin: Uint8Array): Signer {
    return { algorithm: 'rsa-sha256', sign: (message) => this.sign(message, pin) };
  }

  /** Makes the key: it is born in the token and never leaves it. `id` is hex; `place` must name `object:LABEL`. */
  async generate(pin: Uint8Array, id: string, bits: number): Promise<void> {
    const label = this.place.key.replace(/^object:/, '');
    await this.#guarded(['generate', this.place.token, label, id, String(bits)], pin);
  }

  /** Every PIN costs a try when it is wrong, so the refusal tells how many are left. */
  async #guarded(words: readonly string[], pin: Uint8Array): Promise<string> {
    try {
      return await this.#call(words, pin);
    } catch (error) {
      if (!(error instanceof TokenError) || error.code !== 'wrong PIN') throw error;
      const state = await this.pinState();
      throw new TokenError(state === 'locked' ? 'locked' : 'wrong PIN', state, error.detail);
    }
  }

  async #call(words: readonly string[], stdin?: Uint8Array): Promise<string> {
    const { program, module, environment } = this.#module;
    const said = { stdout: '', stderr: '' };
    const child = spawnChild([program, module, ...words], {
      ...(environment === undefined ? {} : { env: environment }),
      ...(stdin === undefined ? {} : { stdin }),
      onOutput: (text, stream) => {
        said[stream] += text;
      },
    });
    const exit = await child.exited;
    if (exit.code !== 0) throw tokenErrorOf(said.stderr, module);
    return said.stdout;
  }
}
