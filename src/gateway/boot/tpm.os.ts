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
 * exchange: each program that may run beside another has its own. Nobody else may enter either.
 */
export function openTpm(directory: string, tcti: string, random: Random, scratch = directory): Tpm {
  for (const place of [directory, scratch]) mkdirSync(place, { recursive: true, mode: 0o700 });
  const at = (name: string) => join(KEPT.has(name) ? directory : scratch, name);
  const read = (name: string) => new Uint8Array(readFileSync(at(name)));
  const options = { env: { TPM2TOOLS_TCTI: tcti, TSS2_LOG: 'all+none' }, cwd: scratch };
  // The kernel's resource manager clears up behind each tool. Without it, the TPM is soon full.
  const managed = tcti.includes('tpmrm');
  const tool = async (...argv: readonly string[]): Promise<void> => {
    await run(argv, options);
    if (managed) return;
    for (const kind of ['--transient-object', '--loaded-session']) await run(['tpm2_flushcontext', kind], options);
  };
  return {
    async endorsementCertificate() {
      await tool('tpm2_nvread', CERTIFICATE_INDEX, '--output', at('ek.crt'));
      return read('ek.crt');
    },
    async makeAttestationKey() {
      writeFileSync(at('unique'), uniqueOf(random));
      await tool('tpm2_createek', '-Q', '-c', at('ek.ctx'), '-G', 'rsa', '-u', at('ek.pub'));
      const kind = ['-C', 'e', '-g', 'sha256', '-G', 'ecc256:ecdsa-sha256:null', '-a', ATTRIBUTES];
      await tool('tpm2_createprimary', '-Q', ...kind, '-u', at('unique'), '-c', at('ak.ctx'), '-o', at('ak.pub'));
      return publicArea(read('ak.pub'));
    },
    attestationKey: () => publicArea(read('ak.pub')),
    async activate(credential) {
      writeFileSync(at('credential'), credentialFile(credential), { mode: 0o600 });
      await run(['tpm2_startauthsession', '--policy-session', '-S', at('session.ctx')], options);
      await run(['tpm2_policysecret', '-Q', '-S', at('session.ctx'), '-c', 'e'], options);
      try {
        await run(
          [
            'tpm2_activatecredential',
            '-Q',
            '-c',
            at('ak.ctx'),
            '-C',
            at('ek.ctx'),
            '-i',
            at('credential'),
            '-o',
            at('secret'),
            '-P',
            `session:${at('session.ctx')}`,
          ],
          options,
        );
        return read('secret');
      } finally {
        rmSync(at('secret'), { force: true });
        await tool('tpm2_flushcontext', at('session.ctx'));
      }
    },
    async quote(extraData) {
      const [quote, signature, pcrs] = ['quote.msg', 'quote.sig', 'quote.pcrs'] as const;
      await tool(
        'tpm2_quote',
        '-Q',
        '-c',
        at('ak.ctx'),
        '-g',
        'sha256',
        '-l',
        `sha256:${QUOTED_PCRS.join(',')}`,
        '-q',
        extraData.toHex(),
        '-m',
        at(quote),
        '-s',
        at(signature),
        '-o',
        at(pcrs),
        '-F',
        'values',
      );
      return { quote: read(quote), signature: read(signature), pcrs: read(pcrs) };
    },
    async extend(pcr, digest) {
      await tool('tpm2_pcrextend', `${pcr}:sha256=${digest.toHex()}`);
    },
  };
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
