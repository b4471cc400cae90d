// SPDX-License-Identifier: AGPL-3.0-or-later
import { generateKeyPair, type KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  endEntityConstraints,
  extendedKeyUsage,
  keyUsage,
  type Signer,
  signCertificate,
  subjectKeyIdentifier,
} from '../../bytes/formats/x509.ts';
import { keyIdentifier, privateKeyPem, publicKeyInfo, signerOf } from '../../contracts/pki/keys.ts';
import {
  derOf,
  enrolledStore,
  fingerprint,
  isoSeconds,
  type Keyring,
  nextTime,
  parseKeyring,
  pemOf,
  printKeyring,
  revoked,
  secureBootVariables,
} from '../../contracts/release/keyring.ts';
import type { Clock } from '../../core/clock/clock.ts';
import type { Random } from '../../core/random/random.ts';
import { replaceFile } from '../../host/files/replace.os.ts';
import { run } from '../../host/processes/process.os.ts';
import type { TokenKey } from '../tokens/token.os.ts';
import { ReleaseRefused } from './refusal.ts';

/*
 * The key directory, for a medium that is kept offline:
 *
 *   keyring.json       the public half
 *   PK.key, KEK.key    private keys, mode 0600
 *   enrol/             what a machine is given: signed variables (.auth), lists (.esl), certificates (.cer), a store for OVMF
 */

export interface CeremonyDeps {
  readonly clock: Clock;
  readonly random: Random;
}

const generate = promisify(generateKeyPair);
const DAY = 86_400_000;
/** Firmware compares no dates; the certificates only have to outlive the machines. */
const DAYS = 20 * 365;
/** What every UEFI firmware must support (UEFI 2.10 §32.5.3.1). */
const BITS = 2048;
const TEMPLATE = '/usr/share/OVMF/OVMF_VARS_4M.fd';

/** Makes PK and KEK, and the certificate of the token's key. Refuses a directory that holds a keyring. */
export async function createKeyring(
  deps: CeremonyDeps,
  directory: string,
  operator: string,
  key: TokenKey,
  pin: Uint8Array,
): Promise<Keyring> {
  if (existsSync(join(directory, 'keyring.json')))
    throw new ReleaseRefused('keyring', `${directory} holds a keyring already`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const db = await tokenCertificate(deps, operator, key, pin);
  const PK = await fileKey(deps, directory, 'PK', operator);
  const KEK = await fileKey(deps, directory, 'KEK', operator);
  const keyring = {
    owner: randomGuid(deps.random),
    time: isoSeconds(deps.clock.wall()),
    PK,
    KEK,
    db: [db],
    revoked: [],
  };
  await writeKeyring(directory, keyring);
  return keyring;
}

export function readKeyring(directory: string): Keyring {
  const file = join(directory, 'keyring.json');
  if (!existsSync(file)) throw new ReleaseRefused('keyring', `${file} is not there; './lethe image keys' makes it`);
  const keyring = parseKeyring(readFileSync(file, 'utf8'));
  if ('problem' in keyring) throw new ReleaseRefused('keyring', `${file}: ${keyring.problem}`);
  return keyring;
}

/** Programs signed by this token's key boot from now on as well; those of its predecessors until they are retired. */
export async function addSigner(
  deps: CeremonyDeps,
  directory: string,
  operator: string,
  key: TokenKey,
  pin: Uint8Array,
): Promise<Keyring> {
  const before = readKeyring(directory);
  const certificate = await tokenCertificate(deps, operator, key, pin);
  const keyring = { ...before, time: nextTime(before, deps.clock.wall()), db: [...before.db, certificate] };
  await writeKeyring(directory, keyring);
  return keyring;
}

/** Programs of this certificate boot no more. `which` is the beginning of its fingerprint, at least 8 digits. */
export async function retireSigner(deps: CeremonyDeps, directory: string, which: string): Promise<Keyring> {
  const before = readKeyring(directory);
  const db = before.db.filter((certificate) => which.length < 8 || !fingerprint(certificate).startsWith(which));
  if (db.length !== before.db.length - 1)
    throw new ReleaseRefused('keyring', `${which} does not name exactly one certificate of db`);
  if (db.length === 0)
    throw new ReleaseRefused('keyring', 'without a certificate in db nothing boots; add the new one first');
  const keyring = { ...before, time: nextTime(before, deps.clock.wall()), db };
  await writeKeyring(directory, keyring);
  return keyring;
}

/** Replaces PK or KEK. `enrol/` then holds an update signed by the key that machines still trust. */
export async function replaceKey(
  deps: CeremonyDeps,
  directory: string,
  name: 'PK' | 'KEK',
  operator: string,
): Promise<Keyring> {
  const before = readKeyring(directory);
  const file = (kind: string) => join(directory, kind);
  for (const kind of ['key', 'crt']) renameSync(file(`${name}.${kind}`), file(`previous.${kind}`));
  const certificate = await fileKey(deps, directory, name, operator);
  const keyring = { ...before, time: nextTime(before, deps.clock.wall()), [name]: certificate };
  await writeKeyring(directory, keyring);
  // PK.auth is signed by the new PK, for machines in setup mode; one that trusts the old PK wants its signature.
  if (name === 'PK') await signVariable(directory, keyring, 'PK', 'previous', 'PK.update.auth');
  for (const kind of ['key', 'crt']) rmSync(file(`previous.${kind}`));
  return keyring;
}

/** Writes down that the program with this Authenticode hash must not boot. */
export async function revokeHash(deps: CeremonyDeps, directory: string, hash: string): Promise<Keyring> {
  const keyring = revoked(readKeyring(directory), hash, deps.clock.wall());
  await writeKeyring(directory, keyring);
  return keyring;
}

async function writeKeyring(directory: string, keyring: Keyring): Promise<void> {
  const enrol = join(directory, 'enrol');
  rmSync(enrol, { recursive: true, force: true });
  mkdirSync(enrol);
  const held = secureBootVariables(keyring);
  for (const name of ['PK', 'KEK', 'db', 'dbx'] as const) writeFileSync(join(enrol, `${name}.esl`), held[name]);
  writeFileSync(join(enrol, 'PK.cer'), derOf(keyring.PK));
  writeFileSync(join(enrol, 'KEK.cer'), derOf(keyring.KEK));
  keyring.db.forEach((certificate, index) => {
    writeFileSync(join(enrol, `db-${index + 1}.cer`), derOf(certificate));
  });
  for (const name of ['PK', 'KEK'] as const) await signVariable(directory, keyring, name, 'PK');
  for (const name of ['db', 'dbx'] as const) await signVariable(directory, keyring, name, 'KEK');
  const store = enrolledStore(readFileSync(TEMPLATE), keyring);
  if ('problem' in store) throw new ReleaseRefused('keyring', `OVMF's variable store: ${store.problem}`);
  writeFileSync(join(enrol, 'OVMF_VARS.fd'), store);
  replaceFile(join(directory, 'keyring.json'), printKeyring(keyring), { mode: 0o644 });
}

/** A variable as SetVariable() takes it from anybody who has the file (EFI_VARIABLE_AUTHENTICATION_2). */
async function signVariable(
  directory: string,
  keyring: Keyring,
  name: 'PK' | 'KEK' | 'db' | 'dbx',
  by: 'PK' | 'KEK' | 'previous',
  file = `${name}.auth`,
): Promise<void> {
  const enrol = join(directory, 'enrol');
  const time = keyring.time.replace('T', ' ').replace('Z', '');
  const signer = ['-k', join(directory, `${by}.key`), '-c', join(directory, `${by}.crt`)];
  const words = ['-t', time, '-g', keyring.owner, ...signer, name, join(enrol, `${name}.esl`), join(enrol, file)];
  await run(['sign-efi-sig-list', ...words], { env: { TZ: 'UTC' } });
}

async function fileKey(deps: CeremonyDeps, directory: string, name: 'PK' | 'KEK', operator: string): Promise<string> {
  const { privateKey } = await generate('rsa', { modulusLength: BITS });
  writeFileSync(join(directory, `${name}.key`), privateKeyPem(privateKey), { mode: 0o600 });
  const certificate = await selfSigned(deps, `${operator} ${name}`, privateKey, signerOf(privateKey));
  writeFileSync(join(directory, `${name}.crt`), certificate);
  return certificate;
}

async function tokenCertificate(deps: CeremonyDeps, operator: string, key: TokenKey, pin: Uint8Array): Promise<string> {
  return selfSigned(deps, `${operator} release`, await key.publicKey(), key.signer(pin));
}

async function selfSigned(deps: CeremonyDeps, commonName: string, key: KeyObject, signer: Signer): Promise<string> {
  const publicKey = publicKeyInfo(key);
  const notBefore = Math.floor(deps.clock.wall() / DAY) * DAY;
  const serial = deps.random.bytes(16);
  // Positive, and of the same length always (RFC 5280 §4.1.2.2).
  serial[0] = ((serial[0] as number) & 0x7f) | 0x40;
  const der = await signCertificate(
    {
      serial,
      issuer: { commonName },
      subject: { commonName },
      notBefore,
      notAfter: notBefore + DAYS * DAY,
      publicKey,
      extensions: [
        endEntityConstraints(),
        keyUsage('digitalSignature'),
        extendedKeyUsage('codeSigning'),
        subjectKeyIdentifier(keyIdentifier(publicKey)),
      ],
    },
    signer,
  );
  return pemOf(der);
}

/** RFC 4122 §4.4 */
function randomGuid(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = bytes.toHex();
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
