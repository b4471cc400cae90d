// SPDX-License-Identifier: AGPL-3.0-or-later
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unwrapped } from '../../bytes/formats/tpm.ts';
import { type Credential, credentialFile } from '../../bytes/formats/tpm-credential.ts';
import type { Random } from '../../core/random/random.ts';
import { run } from '../../host/processes/process.os.ts';
import { QUOTED_PCRS } from '../../verify/attestation/evidence.ts';

/** What a TPM signed, and the values that it signed the digest of. */
export interface TpmQuote {
  /** TPMS_ATTEST */
  readonly quote: Uint8Array;
  /** TPMT_SIGNATURE */
  readonly signature: Uint8Array;
  /** Values of {@link QUOTED_PCRS}, 32 bytes each. */
  readonly pcrs: Uint8Array;
}

/** The machine's TPM. Keys of one boot are kept as contexts, which only the same TPM can load, until its next reset. */
export interface Tpm {
  /** The maker's certificate for the endorsement key, DER. */
  endorsementCertificate(): Promise<Uint8Array>;
  /** Makes the boot's attestation key in the endorsement hierarchy, and gives its public area. */
  makeAttestationKey(): Promise<Uint8Array>;
  /** The public area of the key made before, in this boot. */
  attestationKey(): Uint8Array;
  /** The secret, which only the TPM that holds both keys can find. */
  activate(credential: Credential): Promise<Uint8Array>;
  quote(extraData: Uint8Array): Promise<TpmQuote>;
  extend(pcr: number, digest: Uint8Array): Promise<void>;
}

/** Where TCG's profile places the certificate of the RSA endorsement key. */
const CERTIFICATE_INDEX = '0x1c00002';

/** The keys of a boot, made once. */
const KEPT: ReadonlySet<string> = new Set(['ek.ctx', 'ak.ctx', 'ak.pub']);

/** Of the attestation key; the judge asks for exactly these. */
const ATTRIBUTES = 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|sign';

/**
 * The TPM that tpm2-tools reach by `tcti`. `directory` holds the contexts of the boot's keys, and `scratch` what tools
 * exchange: each program that may run beside another has its own. No other user may enter either.
 */
export function openTpm(directory: string, tcti: string, random: Random, scratch = directory): Tpm {
  const tools = toolsOf(directory, tcti, scratch);
  return {
    endorsementCertificate: () => readCertificate(tools),
    makeAttestationKey: () => makeKeys(tools, random),
    attestationKey: () => publicArea(tools.read('ak.pub')),
    activate: (credential) => activate(tools, credential),
    quote: (extraData) => quote(tools, extraData),
    extend: (pcr, digest) => tools.run('tpm2_pcrextend', `${pcr}:sha256=${digest.toHex()}`),
  };
}

/** tpm2-tools, and the files that they read and write. */
interface TpmTools {
  /** Path of a file by its name. */
  readonly at: (name: string) => string;
  readonly read: (name: string) => Uint8Array;
  /** Runs a tool, and leaves nothing of it in the TPM's memory. */
  readonly run: (...argv: readonly string[]) => Promise<void>;
  /** Runs a tool whose session the next one needs. */
  readonly runHolding: (...argv: readonly string[]) => Promise<void>;
}

function toolsOf(directory: string, tcti: string, scratch: string): TpmTools {
  for (const one of [directory, scratch]) mkdirSync(one, { recursive: true, mode: 0o700 });
  const at = (name: string) => join(KEPT.has(name) ? directory : scratch, name);
  const options = { env: { TPM2TOOLS_TCTI: tcti, TSS2_LOG: 'all+none' }, cwd: scratch };
  // The kernel's resource manager clears up behind each tool. Without it, the TPM is soon full.
  const managed = tcti.includes('tpmrm');
  return {
    at,
    read: (name) => new Uint8Array(readFileSync(at(name))),
    async run(...argv) {
      await run(argv, options);
      if (managed) return;
      for (const kind of ['--transient-object', '--loaded-session']) await run(['tpm2_flushcontext', kind], options);
    },
    async runHolding(...argv) {
      await run(argv, options);
    },
  };
}

async function readCertificate({ at, read, run }: TpmTools): Promise<Uint8Array> {
  await run('tpm2_nvread', CERTIFICATE_INDEX, '--output', at('ek.crt'));
  return read('ek.crt');
}

async function makeKeys({ at, read, run }: TpmTools, random: Random): Promise<Uint8Array> {
  writeFileSync(at('unique'), uniqueOf(random));
  await run('tpm2_createek', '-Q', '-c', at('ek.ctx'), '-G', 'rsa', '-u', at('ek.pub'));
  const kind = ['-C', 'e', '-g', 'sha256', '-G', 'ecc256:ecdsa-sha256:null', '-a', ATTRIBUTES];
  await run('tpm2_createprimary', '-Q', ...kind, '-u', at('unique'), '-c', at('ak.ctx'), '-o', at('ak.pub'));
  return publicArea(read('ak.pub'));
}

async function activate({ at, read, run, runHolding }: TpmTools, credential: Credential): Promise<Uint8Array> {
  writeFileSync(at('credential'), credentialFile(credential), { mode: 0o600 });
  await using held = new AsyncDisposableStack();
  const session = at('session.ctx');
  await runHolding('tpm2_startauthsession', '--policy-session', '-S', session);
  held.defer(() => run('tpm2_flushcontext', session));
  await runHolding('tpm2_policysecret', '-Q', '-S', session, '-c', 'e');
  held.defer(() => rmSync(at('secret'), { force: true }));
  const keys = ['-c', at('ak.ctx'), '-C', at('ek.ctx'), '-P', `session:${session}`];
  await runHolding('tpm2_activatecredential', '-Q', ...keys, '-i', at('credential'), '-o', at('secret'));
  return read('secret');
}

async function quote({ at, read, run }: TpmTools, extraData: Uint8Array): Promise<TpmQuote> {
  const asked = ['-g', 'sha256', '-l', `sha256:${QUOTED_PCRS.join(',')}`, '-q', extraData.toHex()];
  const files = ['-m', at('quote.msg'), '-s', at('quote.sig'), '-o', at('quote.pcrs'), '-F', 'values'];
  await run('tpm2_quote', '-Q', '-c', at('ak.ctx'), ...asked, ...files);
  return { quote: read('quote.msg'), signature: read('quote.sig'), pcrs: read('quote.pcrs') };
}

function publicArea(file: Uint8Array): Uint8Array {
  const area = unwrapped(file);
  if (area === undefined) throw new Error('tpm2_createak wrote something that is not a public area');
  return area;
}

/**
 * A primary key is derived from the TPM's seed and its template; chance in the template makes it another key in each
 * boot. TPMS_ECC_POINT as tpm2-tools read it: two numbers, each behind a 16-bit length, in an area of 128 bytes.
 */
function uniqueOf(random: Random): Uint8Array {
  const point = new Uint8Array(2 * (2 + 128));
  for (const at of [0, 130]) {
    point[at] = 32;
    point.set(random.bytes(32), at + 2);
  }
  return point;
}
