// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseEventLog } from '../../bytes/formats/eventlog.ts';
import { wrapped } from '../../bytes/formats/tpm.ts';
import { run } from '../../host/processes/process.os.ts';
import { judgeAttestationKey } from './attestation-key.ts';
import { bindingOf, QUOTED_PCRS } from './evidence.ts';
import { judge } from './judge.ts';
import type { Version } from './policy.ts';
import type { ReleasePcrs } from './prediction.ts';
import { isRefused } from './refusal.ts';
import { eventsHold, replayed } from './replay.ts';

/*
 * Evidence of a virtual machine (QEMU, OVMF with Secure Boot, swtpm) that booted a signed image of this repository. The
 * machine is gone, so the quote stays what it is: the nonce is all ones, the keys are placeholders.
 */
const recorded = (name: string) => {
  const path = new URL(`recorded/${name}`, import.meta.url);
  return new Uint8Array(readFileSync(path));
};
const nonce = new Uint8Array(32).fill(1);
const keys = { server: new Uint8Array(9), wireguard: new Uint8Array(32), handover: new Uint8Array(32) };
const log = recorded('event-log.bin');
const pcrs = recorded('pcrs.bin');
const evidence = { quote: recorded('quote.bin'), signature: recorded('signature.bin'), pcrs, log, nonce, keys };

function value(pcr: (typeof QUOTED_PCRS)[number]): Uint8Array {
  const at = QUOTED_PCRS.indexOf(pcr) * 32;
  return pcrs.subarray(at, at + 32);
}

function judged(change: Partial<ReleasePcrs> = {}) {
  const attestationKey = judgeAttestationKey(recorded('attestation-key.bin'));
  assert.ok(!isRefused(attestationKey));
  const version = '1.0.0' as Version;
  const values = { 4: value(4), 7: value(7), 9: value(9), 11: value(11), ...change };
  const release = { version, pcrs: values, notBefore: 0, notAfter: 2, revoked: false };
  const policy = { releases: [release], minimum: version };
  return judge(evidence, { attestationKey, purpose: 'activate', nonce, policy, firmware: undefined, now: 1 });
}

test('what a machine with real firmware proved is believed', () => {
  const outcome = judged();
  assert.ok(!isRefused(outcome));
  assert.deepEqual(outcome.clock, { milliseconds: 28_038n, resets: 3, restarts: 0, safe: true });
  assert.deepEqual(judged({ 7: new Uint8Array(32) }), { refused: 'secure_boot' });
  assert.deepEqual(judged({ 11: new Uint8Array(32) }), { refused: 'release_unknown' });
});

test('tpm2_eventlog and tpm2_checkquote read the same of it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-recorded-'));
  const at = (name: string) => join(directory, name);
  try {
    writeFileSync(at('log'), log);
    const listed = await run(['tpm2_eventlog', at('log')]);
    const theirs = [...listed.matchAll(/^ {4}(\d+) *: 0x([0-9a-f]{64})$/gm)];
    const parsed = parseEventLog(log);
    assert.ok(parsed !== undefined && eventsHold(parsed.events));
    assert.deepEqual(
      theirs.map(([, pcr]) => Number(pcr)),
      [0, 1, 2, 3, 4, 5, 6, 7, 9, 11],
    );
    for (const [, pcr, digest] of theirs) assert.equal(replayed(parsed, Number(pcr)).toHex(), digest, `PCR ${pcr}`);
    for (const [name, bytes] of Object.entries({ msg: evidence.quote, sig: evidence.signature }))
      writeFileSync(at(name), bytes);
    writeFileSync(at('key'), wrapped(recorded('attestation-key.bin')));
    const check = ['tpm2_checkquote', '-u', at('key'), '-m', at('msg'), '-s', at('sig'), '-q'];
    await run([...check, bindingOf('activate', nonce, keys).toHex()]);
    await assert.rejects(run([...check, bindingOf('renew', nonce, keys).toHex()]));
  } finally {
    rmSync(directory, { recursive: true });
  }
});
