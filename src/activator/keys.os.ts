// SPDX-License-Identifier: AGPL-3.0-or-later
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { x25519PrivateKey, x25519PublicBytes } from '../bytes/formats/hpke.ts';
import type { Name } from '../bytes/formats/x509.ts';
import { type Authority, createAuthority } from '../contracts/pki/authority.ts';
import { generateP256Key, generateRsaKey, privateKeyPem, publicKeyInfo, signerOf } from '../contracts/pki/keys.ts';
import type { Clock } from '../core/clock/clock.ts';
import { parseConfiguration } from '../core/configuration/configuration.ts';
import { hex32 } from '../core/configuration/words.ts';
import type { Random } from '../core/random/random.ts';
import { replaceFile } from '../host/files/replace.os.ts';

/** The activator's own keys: made at its first start, and never given to anybody. */
export interface ActivatorKeys {
  /** Signs the activator's own HTTPS certificate. Images carry its certificate, and it is measured with them. */
  readonly tls: Authority;
  /** Signs gateways' certificates. Customers' profiles carry its certificate. */
  readonly issuer: Authority;
  /** X25519, 32 bytes: what gateways are given is stored sealed to it. */
  readonly store: Uint8Array;
}

/** PEM. */
const authority = z.strictObject({ certificate: z.string(), key: z.string() });
const SCHEMA = z.strictObject({
  tls: authority,
  issuer: authority.optional(),
  store: hex32,
});

type Kept = z.output<typeof authority>;

interface KeyDeps {
  readonly clock: Clock;
  readonly random: Random;
}

/** An authority that cannot be used. The message repeats nothing of its files. */
export class AuthorityError extends Error {
  override readonly name = 'AuthorityError';
}

/** Names of the files in the activator's directory. */
export const ACTIVATOR_FILES = { keys: 'keys.json', store: 'activator.sqlite' } as const;

/** Who signs gateways' certificates: an authority that is given, and not kept, or an own one for names below a domain. */
export type Issuer = Authority | { readonly gatewayDomain: string | undefined };

/** Opens the keys in a directory, or makes them. */
export async function openActivatorKeys(directory: string, deps: KeyDeps, given: Issuer): Promise<ActivatorKeys> {
  const issuer = 'signer' in given ? given : undefined;
  const gatewayDomain = 'signer' in given ? undefined : given.gatewayDomain;
  const path = join(directory, ACTIVATOR_FILES.keys);
  if (!existsSync(path)) {
    const made = await makeKeys(deps, gatewayDomain);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    replaceFile(path, JSON.stringify(made), { mode: 0o600 });
  }
  const kept = parseConfiguration(SCHEMA, readFileSync(path, 'utf8'));
  if ('problem' in kept) throw new AuthorityError(`${path}: ${kept.problem}`);
  const own = issuer ?? (kept.issuer === undefined ? undefined : authorityFromPem(kept.issuer));
  if (own === undefined)
    throw new AuthorityError('the configuration names no issuer any more, and there is no own one');
  return { tls: authorityFromPem(kept.tls), issuer: own, store: Uint8Array.fromHex(kept.store) };
}

/** What parameters of gateways are sealed to. */
export function storePublicKey({ store }: Pick<ActivatorKeys, 'store'>): Uint8Array {
  return x25519PublicBytes(x25519PrivateKey(store));
}

/** An authority in two files: its certificate, and its key in PKCS #8. */
export function authorityFromPem({ certificate, key }: Kept): Authority {
  const privateKey = createPrivateKey(key);
  const read = new X509Certificate(certificate);
  if (!read.checkPrivateKey(privateKey)) throw new AuthorityError('certificate and key do not belong together');
  return { name: subjectOf(read), certificate, publicKey: publicKeyInfo(privateKey), signer: signerOf(privateKey) };
}

function subjectOf({ subject }: X509Certificate): Name {
  const parts = new Map(subject.split('\n').map((line) => line.split('=', 2) as [string, string]));
  const [organization, commonName] = [parts.get('O'), parts.get('CN')];
  const known = 1 + Number(organization !== undefined);
  if (commonName === undefined || parts.size !== known)
    throw new AuthorityError('the issuer has a subject of another form');
  return organization === undefined ? { commonName } : { organization, commonName };
}

async function makeKeys(deps: KeyDeps, domain: string | undefined): Promise<z.input<typeof SCHEMA>> {
  const make = async (commonName: string, key: KeyObject, permitted?: string[]): Promise<Kept> => {
    const subject = { name: { commonName }, key, signer: signerOf(key), permitted };
    const { certificate } = await createAuthority(deps, subject);
    return { certificate, key: privateKeyPem(key) };
  };
  return {
    tls: await make('Lethe activator', await generateP256Key()),
    ...(domain === undefined ? {} : { issuer: await make('Lethe gateways', await generateRsaKey(), [domain]) }),
    store: deps.random.bytes(32).toHex(),
  };
}
