// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { createHash, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openTestTpms, type TestMachine, type TestTpms } from '../../../proof/labs/activator/tpms.os.ts';
import { SampleTpm, sampleKeyArea } from '../../../proof/labs/attestation/sample.ts';
import { run } from '../../host/processes/process.os.ts';
import { judgeAttestationKey } from './attestation-key.ts';
import { judgeEndorsement, type TpmTrust } from './endorsement.ts';
import { isRefused } from './refusal.ts';

const NOW = Date.now() + 60_000;
let tpms: TestTpms;
let machine: TestMachine;
let certificate: Uint8Array;
let trust: TpmTrust;

before(async () => {
  tpms = openTestTpms();
  machine = await tpms.machine('gateway-1');
  await machine.boot([{ pcr: 16, type: 0, digest: new Uint8Array(32), data: new Uint8Array(0) }]);
  certificate = await machine.tpm.endorsementCertificate();
  trust = trustIn(tpms);
});
after(() => tpms.close());

function trustIn({ factory }: TestTpms): TpmTrust {
  return {
    roots: [new X509Certificate(factory.roots())],
    intermediates: [new X509Certificate(factory.intermediates())],
  };
}

function judged(der: Uint8Array, makers: TpmTrust = trust, now = NOW): string {
  const outcome = judgeEndorsement(der, makers, now);
  return isRefused(outcome) ? outcome.refused : 'believed';
}

/** The certificate with one piece put in place of another of the same length. */
function replaced(from: string, to: string): Uint8Array {
  const hex = certificate.toHex();
  assert.equal(hex.split(from).length, 2);
  return Uint8Array.fromHex(hex.replace(from, to));
}

test('the certificate of a real TPM is believed, and named by its hashes', () => {
  const outcome = judgeEndorsement(certificate, trust, NOW);
  assert.ok(!isRefused(outcome));
  assert.equal(
    outcome.certificate.toHex(),
    new X509Certificate(certificate).fingerprint256.replaceAll(':', '').toLowerCase(),
  );
  const spki = outcome.key.export({ type: 'spki', format: 'der' });
  assert.equal(outcome.identity.toHex(), createHash('sha256').update(spki).digest('hex'));
});

test('ek_certificate: what is no certificate of an RSA endorsement key', async () => {
  const nv = join(tpms.directory, 'ecc.crt');
  await run(['tpm2_nvread', '0x1c00016', '-o', nv], { env: { TPM2TOOLS_TCTI: machine.tcti } });
  const others: Record<string, Uint8Array> = {
    nothing: new Uint8Array(0),
    junk: certificate.subarray(1),
    'cut short': certificate.subarray(0, -1),
    'more than one': Uint8Array.from([...certificate, 0]),
    oversized: new Uint8Array(10_000).fill(0x30),
    'of an authority': new Uint8Array(new X509Certificate(tpms.factory.intermediates()).raw),
    'of an elliptic key': new Uint8Array(readFileSync(nv)),
    'for another purpose': replaced('060567810508 01'.replace(' ', ''), '060567810508 02'.replace(' ', '')),
    'for another use': replaced('0603551d0f0101ff040403020520', '0603551d0f0101ff040403020780'),
    'with a critical extension that nobody knows': replaced('0603551d110101ff', '0603551d1e0101ff'),
    'with an extension twice': replaced('0603551d110101ff', '0603551d0f0101ff'),
  };
  for (const [what, der] of Object.entries(others)) assert.equal(judged(der), 'ek_certificate', what);
});

test('ek_chain: no trusted maker, a broken signature, another time', async () => {
  const other = openTestTpms();
  try {
    await other.machine('stranger');
    assert.equal(judged(certificate, trustIn(other)), 'ek_chain');
  } finally {
    await other.close();
  }
  const altered = Uint8Array.from(certificate);
  altered[altered.length - 1] = (altered[altered.length - 1] as number) ^ 1;
  assert.equal(judged(altered), 'ek_chain');
  assert.equal(judged(certificate, { roots: trust.roots, intermediates: [] }), 'ek_chain');
  assert.equal(judged(certificate, { roots: [], intermediates: trust.intermediates }), 'ek_chain');
  assert.equal(judged(certificate, trust, NOW - 86_400_000), 'ek_chain');
  // A trusted certificate for a machine makes no authority for other machines.
  const leaf = [new X509Certificate(certificate)];
  assert.equal(judged(certificate, { roots: leaf, intermediates: leaf }), 'ek_chain');
});

/** Certificates that openssl(1) makes: `chain` names the extensions of each authority, the root first. */
async function issued(
  name: string,
  chain: readonly string[],
  leaf = EK,
): Promise<{ der: Uint8Array; makers: TpmTrust }> {
  const at = (file: string) => join(tpms.directory, `${name}-${file}`);
  const certificates: string[] = [];
  for (const [index, extensions] of [...chain, leaf].entries()) {
    writeFileSync(at(`${index}.ext`), extensions);
    const [key, request, out] = [at(`${index}.key`), at(`${index}.csr`), at(`${index}.pem`)];
    const subject = `/CN=${name} ${index}`;
    const kind = index === chain.length ? ['rsa:2048'] : ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
    const made = ['-nodes', '-keyout', key, '-out', request, '-subj', subject];
    await run(['openssl', 'req', '-newkey', ...kind, ...made]);
    const signer = index === 0 ? ['-signkey', key] : ['-CA', at(`${index - 1}.pem`), '-CAkey', at(`${index - 1}.key`)];
    const sign = ['openssl', 'x509', '-req', '-in', request, '-out', out, '-days', '2', '-set_serial', '1'];
    await run([...sign, ...signer, '-extfile', at(`${index}.ext`)]);
    certificates.push(out);
  }
  const read = certificates.map((file) => new X509Certificate(readFileSync(file)));
  const [root, ...others] = read.slice(0, -1) as [X509Certificate, ...X509Certificate[]];
  return {
    der: new Uint8Array((read.at(-1) as X509Certificate).raw),
    makers: { roots: [root], intermediates: others },
  };
}

const CA = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n';
const EK = 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,keyEncipherment\nextendedKeyUsage=2.23.133.8.1\n';

test('ek_chain: who issues must be an authority, for that, and only as far as its own issuer lets it', async () => {
  const chains: Record<string, readonly string[]> = {
    believed: [CA, CA],
    'no authority': [CA.replace('TRUE', 'FALSE')],
    'not for certificates': [CA.replace('keyCertSign', 'cRLSign')],
    'too far': [CA.replace('TRUE', 'TRUE,pathlen:0'), CA],
    'with limits that nobody understands': [`${CA}nameConstraints=critical,permitted;DNS:example\n`],
  };
  for (const [what, chain] of Object.entries(chains)) {
    const { der, makers } = await issued(what.replaceAll(' ', '-'), chain);
    assert.equal(judged(der, makers), what === 'believed' ? what : 'ek_chain', what);
  }
  const near = await issued('near', [CA.replace('TRUE', 'TRUE,pathlen:1'), CA]);
  assert.equal(judged(near.der, near.makers), 'believed');
  const loose = await issued(
    'loose',
    ['basicConstraints=CA:TRUE\n'],
    EK.replace('keyUsage=critical,keyEncipherment\n', ''),
  );
  assert.equal(judged(loose.der, loose.makers), 'believed', 'any use is allowed where none is named');
  const long = await issued('long', [CA, CA, CA, CA, CA, CA]);
  assert.equal(judged(long.der, long.makers), 'ek_chain', 'a chain without end');
});

test('ak_format: cut, longer, another kind of key, a point that is not on the curve', () => {
  const { area } = new SampleTpm();
  const outcome = (bytes: Uint8Array) => {
    const key = judgeAttestationKey(bytes);
    return isRefused(key) ? key.refused : 'believed';
  };
  assert.equal(outcome(area), 'believed');
  for (let length = 0; length < area.length; length += 1) assert.equal(outcome(area.subarray(0, length)), 'ak_format');
  assert.equal(outcome(Uint8Array.from([...area, 0])), 'ak_format');
  assert.equal(outcome(Uint8Array.from([...area.subarray(0, -1), (area.at(-1) as number) ^ 1])), 'ak_format');
  assert.equal(outcome(Uint8Array.from([0, 1, ...area.subarray(2)])), 'ak_format');
});

test('ak_attributes: every attribute that has to be there, or must not', () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const outcome = (attributes: number) => {
    const key = judgeAttestationKey(
      sampleKeyArea(createPublicKey(publicKey.export({ format: 'pem', type: 'spki' })), attributes),
    );
    return isRefused(key) ? key.refused : 'believed';
  };
  const right = 0x0005_0472;
  for (let bit = 0; bit < 32; bit += 1) {
    assert.equal(outcome((right ^ (1 << bit)) >>> 0), 'ak_attributes', `bit ${bit}`);
  }
});
