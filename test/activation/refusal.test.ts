// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import {
  EVENTS,
  GATEWAY,
  openTestActivator,
  type Tamper,
  type TestActivator,
} from '../../proof/labs/activator/test-activator.os.ts';
import { certifyAgain } from '../../proof/labs/activator/tpms.os.ts';
import { answerRequest } from '../../src/activator/activator.http.ts';
import { endorsementOfHash } from '../../src/activator/enrol.ts';
import type { Policy } from '../../src/activator/policy.os.ts';
import { sha256 } from '../../src/bytes/formats/fingerprint.ts';
import { LONGEST, writeMessage } from '../../src/contracts/activation/messages.ts';
import { generateP256Key, publicKeyInfo } from '../../src/contracts/pki/keys.ts';
import { ManualClock } from '../../src/core/clock/clock.ts';
import type { Tpm } from '../../src/gateway/boot/tpm.os.ts';

let lab: TestActivator;
before(async () => {
  lab = await openTestActivator(new ManualClock(Date.now() + 60_000));
});
beforeEach(() => lab.begin());
after(() => lab.close());

test('a TPM that nobody enrolled, or that was forgotten, is refused', async () => {
  const stranger = await lab.lasting.tpms.machine('stranger');
  await stranger.boot(EVENTS);
  const keys = { attestationKey: await stranger.tpm.makeAttestationKey() };
  assert.equal(await lab.attempt('activate', { tpm: stranger.tpm, claim: keys }), 'ek_unknown');
  const forget: Tamper = (path, message) => {
    if (path === '/v1/evidence') lab.store.forget(GATEWAY);
    return message;
  };
  assert.equal(await lab.attempt('activate', { tamper: forget }), 'ek_unknown');
  assert.equal(await lab.attempt('activate'), 'ek_unknown');
});

test('junk of strangers fills no journal', async () => {
  const junk = () => writeMessage({ certificate: new Uint8Array(8), attestation_key: lab.area });
  for (let count = 0; count < 200; count += 1) await lab.post('/v1/challenge', junk());
  assert.deepEqual(lab.journal.codes(), ['machine_refused']);
  lab.activator.tellRefusals();
  assert.deepEqual(lab.journal.codes(), ['machine_refused', 'refusals_repeated']);
});

test('an endorsement key is bound to one gateway, whatever certificates there are for it', async () => {
  const { n } = new X509Certificate(lab.lasting.certificate).publicKey.export({ format: 'jwk' }) as { n: string };
  const again = await certifyAgain(lab.lasting.tpms, Uint8Array.fromBase64(n, { alphabet: 'base64url' }).toHex());
  assert.notDeepEqual(again, lab.lasting.certificate);
  lab.enrol('zrh-02', endorsementOfHash(new X509Certificate(again).fingerprint256));
  const second: Tpm = { ...lab.lasting.machine.tpm, endorsementCertificate: async () => again };
  assert.equal(await lab.attempt('activate', { tpm: second }), 'ek_elsewhere');
  // Enrolled by hashes alone, the first machine that is accepted has it.
  lab.store.forget(GATEWAY);
  lab.enrol(GATEWAY, endorsementOfHash(new X509Certificate(lab.lasting.certificate).fingerprint256));
  const meanwhile: Tamper = (path, message) => {
    if (path === '/v1/evidence')
      lab.store.bind(
        GATEWAY,
        sha256(new Uint8Array(publicKeyInfo(new X509Certificate(lab.lasting.certificate).publicKey))),
        firmware,
      );
    return message;
  };
  const firmware = { code: new Uint8Array(32), drivers: new Uint8Array(32) };
  assert.equal(await lab.attempt('activate', { tpm: second, tamper: meanwhile }), 'ek_elsewhere');
});

test('an attestation key of another TPM, a TPM of an unknown maker and junk get no question', async () => {
  const { tpm } = lab.lasting.machine;
  const claim = { attestationKey: new Uint8Array(90) };
  assert.equal(await lab.attempt('activate', { claim }), 'ak_format');
  const unrestricted = Uint8Array.from(lab.area);
  unrestricted[5] = 0x04;
  assert.equal(await lab.attempt('activate', { claim: { attestationKey: unrestricted } }), 'ak_attributes');
  const broken: Tpm = { ...tpm, endorsementCertificate: async () => new Uint8Array(100) };
  assert.equal(await lab.attempt('activate', { tpm: broken }), 'ek_certificate');
  lab.policy = { ...(lab.policy as Policy), trust: { roots: [], intermediates: [] } };
  assert.equal(await lab.attempt('activate'), 'ek_chain');
  const other = await lab.lasting.tpms.machine('tpm-2');
  await other.boot(EVENTS);
  lab.believe({});
  // The key is there, but not in the enrolled TPM: it cannot find the secret. Guessing does not help.
  const foreign = { attestationKey: await other.tpm.makeAttestationKey() };
  await assert.rejects(lab.attempt('activate', { claim: foreign }), /tpm2_activatecredential/);
  const guess: Tpm = {
    ...other.tpm,
    endorsementCertificate: () => tpm.endorsementCertificate(),
    activate: async () => new Uint8Array(32),
  };
  assert.equal(await lab.attempt('activate', { tpm: guess, claim: foreign }), 'credential');
});

test('an answer counts once, in time, and to the activator that asked', async () => {
  let sent = '';
  const keep: Tamper = (path, message) => {
    if (path === '/v1/evidence') sent = writeMessage(message);
    return message;
  };
  await lab.granted('activate', { tamper: keep });
  assert.equal(await lab.post('/v1/evidence', sent), '{"refused":"nonce_used"}');
  const late: Tamper = (path, message) => {
    if (path === '/v1/evidence') lab.lasting.clock.advance(121_000);
    return message;
  };
  assert.equal(await lab.attempt('activate', { tamper: late }), 'nonce_expired');
  const elsewhere: Tamper = (path, message) => {
    if (path === '/v1/evidence') lab.activator = lab.freshActivator();
    return message;
  };
  assert.equal(await lab.attempt('activate', { tamper: elsewhere }), 'nonce_unknown');
  assert.equal(
    await lab.attempt('activate', {
      tamper: (_, message) => ('question' in message ? { ...message, question: 'AAAA' } : message),
    }),
    'nonce_unknown',
  );
  // What was answered long ago is not remembered for ever.
  await lab.boot();
  await lab.granted('activate');
});

test('keys that are swapped on their way, and other questions, are refused', async () => {
  const replace = (field: string, bytes: Uint8Array): Tamper => {
    return (path, message) => (path === '/v1/evidence' ? { ...message, [field]: bytes } : message);
  };
  assert.equal(await lab.attempt('activate', { tamper: replace('wireguard', new Uint8Array(32)) }), 'binding');
  assert.equal(await lab.attempt('activate', { tamper: replace('handover', new Uint8Array(32)) }), 'binding');
  assert.equal(await lab.attempt('activate', { tamper: replace('nonce', new Uint8Array(32)) }), 'nonce');
  assert.equal(await lab.attempt('activate', { tamper: replace('secret', new Uint8Array(1)) }), 'credential');
  assert.equal(await lab.attempt('activate', { tamper: replace('proof', new Uint8Array(512)) }), 'server_key');
});

test('a server key is RSA with 4096 bits, and held by the machine', async () => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  assert.equal(await lab.attempt('activate', { claim: { server: weak } }), 'server_key');
  const elliptic = await generateP256Key();
  assert.equal(await lab.attempt('activate', { claim: { server: elliptic } }), 'server_key');
  const keys = { ...lab.claimed('activate').keys, server: new Uint8Array(550) };
  assert.equal(await lab.attempt('activate', { claim: { keys } }), 'server_key');
});

test('what is too long or not a message at all is answered so', async () => {
  const answer = (method: string, path: string, body?: string) => answerRequest(lab, method, path, body);
  assert.deepEqual(await answer('POST', '/v1/evidence'), { status: 413, body: '{"refused":"oversized"}' });
  for (const junk of ['', '{}', '[]', 'null', '{"certificate":"***","attestation_key":""}', '{"certificate":"AA=="}'])
    assert.deepEqual(await answer('POST', '/v1/challenge', junk), { status: 400, body: '{"refused":"malformed"}' });
  assert.equal((await answer('GET', '/v1/challenge')).status, 405);
  assert.equal((await answer('POST', '/v1/gateways')).status, 405);
  assert.equal((await answer('GET', '/')).status, 404);
  const long = writeMessage({ certificate: new Uint8Array(LONGEST.toActivator), attestation_key: lab.area });
  assert.equal((await answer('POST', '/v1/challenge', long)).status, 400);
});
