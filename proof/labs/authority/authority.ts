// SPDX-License-Identifier: AGPL-3.0-or-later
import type { KeyObject } from 'node:crypto';
import { pem } from '../../../src/bytes/formats/der.ts';
import {
  authorityKeyIdentifier,
  endEntityConstraints,
  keyUsage,
  type Name,
  signCertificate,
} from '../../../src/bytes/formats/x509.ts';
import { addressBytes } from '../../../src/bytes/text/address.ts';
import {
  type Authority,
  createAuthority,
  issueServerCertificate,
  oneDay,
} from '../../../src/contracts/pki/authority.ts';
import {
  generateP256Key,
  keyIdentifier,
  privateKeyPem,
  publicKeyInfo,
  signerOf,
} from '../../../src/contracts/pki/keys.ts';
import { type Clock, systemClock } from '../../../src/core/clock/clock.ts';
import { type Random, systemRandom } from '../../../src/core/random/random.ts';

/** What a test says about its authority, where it matters to the test. */
export interface AuthorityChoice {
  readonly name?: Name;
  /** A fresh P-256 key unless given. */
  readonly key?: KeyObject;
  /** DNS names that it may certify; every one unless given. */
  readonly permitted?: readonly string[];
  readonly clock?: Clock;
  readonly random?: Random;
}

/** A certificate and its private key, both PEM. */
export interface Certified {
  readonly certificate: string;
  readonly key: string;
}

/**
 * A certificate authority that lasts as long as its test. It is made by the code that makes the service's own, so that
 * real daemons and clients which accept it accept the service's too. Tests of certificates themselves take theirs from
 * `openssl`, which shares no code with ours: those of bytes/formats, verify/attestation and image/build.
 */
export class TestAuthority {
  readonly authority: Authority;
  readonly key: KeyObject;
  readonly #deps: { readonly clock: Clock; readonly random: Random };

  private constructor(authority: Authority, key: KeyObject, deps: { readonly clock: Clock; readonly random: Random }) {
    this.authority = authority;
    this.key = key;
    this.#deps = deps;
  }

  static async create(choice: AuthorityChoice = {}): Promise<TestAuthority> {
    const { name = { commonName: 'test authority' }, clock = systemClock, random = systemRandom } = choice;
    const key = choice.key ?? (await generateP256Key());
    const deps = { clock, random };
    const { permitted } = choice;
    const authority = await createAuthority(deps, { name, key, signer: signerOf(key), permitted });
    return new TestAuthority(authority, key, deps);
  }

  /** PEM */
  get certificate(): string {
    return this.authority.certificate;
  }

  /** For a server of this DNS name and these addresses. `key` is a fresh P-256 key unless given. */
  async server(name: string, addresses: readonly string[] = [], key?: KeyObject): Promise<Certified> {
    const own = key ?? (await generateP256Key());
    const subject = { name, addresses: addresses.map(addressBytes), key: own };
    const certificate = await issueServerCertificate(this.#deps, this.authority, subject);
    return { certificate, key: privateKeyPem(own) };
  }

  /** For a client that shows its certificate instead of a password; without a purpose, it may serve any. */
  async client(name: string): Promise<Certified> {
    const key = await generateP256Key();
    const publicKey = publicKeyInfo(key);
    const der = await signCertificate(
      {
        serial: Uint8Array.of(1),
        issuer: this.authority.name,
        subject: { commonName: name },
        ...oneDay(this.#deps.clock),
        publicKey,
        extensions: [
          endEntityConstraints(),
          keyUsage('digitalSignature'),
          authorityKeyIdentifier(keyIdentifier(this.authority.publicKey)),
        ],
      },
      this.authority.signer,
    );
    return { certificate: pem('CERTIFICATE', der), key: privateKeyPem(key) };
  }
}
