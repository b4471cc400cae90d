// SPDX-License-Identifier: AGPL-3.0-or-later
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { QUOTED_PCRS } from '../attestation/evidence.ts';
import { unwrapped } from '../formats/tpm.ts';
import { type Credential, credentialFile } from '../formats/tpm-credential.ts';
import { run } from '../processes/process.os.ts';

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
  /** Makes the boot's attestation key below the endorsement key, and gives its public area. */
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

/**
 * The TPM that tpm2-tools reach by `tcti`. `directory` holds contexts and what tools exchange; nobody else may enter it.
 */
export function openTpm(directory: string, tcti: string): Tpm {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const at = (name: string) => join(directory, name);
  const read = (name: string) => new Uint8Array(readFileSync(at(name)));
  const options = { env: { TPM2TOOLS_TCTI: tcti, TSS2_LOG: 'all+none' }, cwd: directory };
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
      await tool('tpm2_createek', '-Q', '-c', at('ek.ctx'), '-G', 'rsa', '-u', at('ek.pub'));
      await tool(
        'tpm2_createak',
        '-Q',
        '-C',
        at('ek.ctx'),
        '-c',
        at('ak.ctx'),
        '-u',
        at('ak.pub'),
        '-G',
        'ecc',
        '-g',
        'sha256',
        '-s',
        'ecdsa',
      );
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
