// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openTestTpms, type TestMachine, type TestTpms } from '../../../proof/labs/activator/tpms.os.ts';
import { sampleEvents, sampleImage, sampleTrust } from '../../../proof/labs/attestation/sample.ts';
import { parseEventLog } from '../../bytes/formats/eventlog.ts';
import { sha256 } from '../../bytes/formats/fingerprint.ts';
import { nameOf, parseQuote, qualifiedInEndorsement, wrapped } from '../../bytes/formats/tpm.ts';
import { makeCredential } from '../../bytes/formats/tpm-credential.ts';
import { systemRandom } from '../../core/random/random.ts';
import { run } from '../../host/processes/process.os.ts';
import { judgeAttestationKey } from './attestation-key.ts';
import { judgeEndorsement } from './endorsement.ts';
import { QUOTED_PCRS } from './evidence.ts';
import { predictPcrs, RELEASE_PCRS } from './prediction.ts';
import { isRefused } from './refusal.ts';
import { replayed } from './replay.ts';

/** The certificates are made in a moment. */
const NOW = Date.now() + 60_000;
let tpms: TestTpms;
let machine: TestMachine;
let log: Uint8Array;

before(async () => {
  tpms = openTestTpms();
  machine = await tpms.machine('gateway-1');
  log = await machine.boot(sampleEvents(sampleImage(), sampleTrust()));
});
after(() => tpms.close());

function trust() {
  const { factory } = tpms;
  return {
    roots: [new X509Certificate(factory.roots())],
    intermediates: [new X509Certificate(factory.intermediates())],
  };
}

function tool(...argv: string[]): Promise<string> {
  return run(argv, { env: { TPM2TOOLS_TCTI: machine.tcti } });
}

test('a real TPM gives a secret back that was sealed to it without a TPM', async () => {
  const endorsement = judgeEndorsement(await machine.tpm.endorsementCertificate(), trust(), NOW);
  assert.ok(!isRefused(endorsement));
  const key = judgeAttestationKey(await machine.tpm.makeAttestationKey());
  assert.ok(!isRefused(key));
  const secret = systemRandom.bytes(32);
  const made = { seed: systemRandom.bytes(32), secret };
  assert.deepEqual(await machine.tpm.activate(makeCredential(endorsement.key, key.name, made)), secret);
  const other = makeCredential(endorsement.key, nameOf(Uint8Array.of(1)), made);
  await assert.rejects(machine.tpm.activate(other), /tpm2_activatecredential/);
});

test('tpm2_checkquote reads of a quote what we read', async () => {
  const area = await machine.tpm.makeAttestationKey();
  const nonce = systemRandom.bytes(32);
  const at = (name: string) => join(tpms.directory, name);
  const list = `sha256:${QUOTED_PCRS.join(',')}`;
  await tool(
    'tpm2_quote',
    '-Q',
    '-c',
    join(machine.directory, 'ak.ctx'),
    '-l',
    list,
    '-q',
    nonce.toHex(),
    '-m',
    at('msg'),
    '-s',
    at('sig'),
    '-o',
    at('pcrs'),
  );
  await tool('tpm2_flushcontext', '-t');
  writeFileSync(at('ak.pub'), wrapped(area));
  const check = ['tpm2_checkquote', '-u', at('ak.pub'), '-m', at('msg'), '-s', at('sig'), '-f', at('pcrs'), '-q'];
  const said = await tool(...check, nonce.toHex());
  await assert.rejects(tool(...check, '00'.repeat(32)), /Error validating nonce/);

  const parsed = parseQuote(new Uint8Array(readFileSync(at('msg'))));
  assert.ok(typeof parsed === 'object');
  assert.deepEqual(parsed.extraData, nonce);
  const values = [...said.matchAll(/^ +\d+ *: 0x([0-9A-F]{64})$/gm)].map((match) => Uint8Array.fromHex(match[1] ?? ''));
  assert.deepEqual(parsed.pcrDigest, sha256(...values));
  assert.deepEqual(parsed.selections, [{ bank: 0x0b, pcrs: [...QUOTED_PCRS] }]);
  assert.deepEqual(parsed.qualifiedSigner, qualifiedInEndorsement(nameOf(area)));
});

test('tpm2_eventlog replays a log to what we replay it to, and to what the TPM holds', async () => {
  const file = join(tpms.directory, 'log');
  writeFileSync(file, log);
  const parsed = parseEventLog(log);
  assert.ok(parsed !== undefined);
  const listed = await tool('tpm2_eventlog', file);
  const theirs = new Map(
    [...listed.matchAll(/^ {4}(\d+) *: 0x([0-9a-f]{64})$/gm)].map((match) => [Number(match[1]), match[2]]),
  );
  assert.deepEqual([...theirs.keys()], [0, 1, 2, 3, 4, 5, 6, 7, 9, 11]);
  for (const [pcr, value] of theirs) assert.equal(replayed(parsed, pcr).toHex(), value);
  const { pcrs } = await machine.tpm.quote(new Uint8Array(32));
  for (const [index, pcr] of QUOTED_PCRS.entries())
    assert.equal(pcrs.subarray(index * 32, index * 32 + 32).toHex(), replayed(parsed, pcr).toHex());
});

test('what was predicted is what a TPM holds that measured it', async () => {
  const predicted = predictPcrs(sampleImage(), sampleTrust());
  const { pcrs } = await machine.tpm.quote(new Uint8Array(32));
  for (const pcr of RELEASE_PCRS) {
    const at = QUOTED_PCRS.indexOf(pcr) * 32;
    assert.equal(predicted[pcr].toHex(), pcrs.subarray(at, at + 32).toHex());
  }
});
