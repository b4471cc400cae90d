// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { sealAuthFile } from '../../contracts/authfile/seal.ts';
import type { EpochDay } from '../../core/clock/clock.ts';
import { RecordingJournal } from '../../core/journal/journal.ts';
import type { Entitlement, LicenceId, UsageTag } from '../../core/licences/licence.ts';
import { CurrentAuthFile } from './current.ts';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');

function entitlement(usageTag: string, licence: number): Entitlement {
  return { licence: licence as LicenceId, expiresOn: 20_000 as EpochDay, seats: 5, usageTag: usageTag as UsageTag };
}

test('tells what stands under usage tags, of logins and of peers, and nothing about those that are gone', () => {
  const auth = new CurrentAuthFile(publicKey, new RecordingJournal());
  const login = entitlement('00112233aaaaaaaa', 1);
  const neighbour = entitlement('00112233bbbbbbbb', 2);
  const peer = entitlement('ffffffffcccccccc', 3);
  const gone = '00112233cccccccc' as UsageTag;
  const wanted = new Set([login.usageTag, peer.usageTag, gone]);
  assert.equal(auth.entitlementsOf(wanted).size, 0, 'there is no file yet');
  const filled = (byte: number) => new Uint8Array(16).fill(byte);
  const logins = [login, neighbour].map((one, index) => ({
    verifier: filled(index + 1),
    nameKey: filled(index + 1),
    ntHash: filled(0),
    entitlement: one,
  }));
  const peers = [{ publicKey: new Uint8Array(32).fill(7), host: 2, entitlement: peer }];
  auth.offer(sealAuthFile({ version: 1, salt: new Uint8Array(14), logins, peers }, privateKey));
  const told = [...auth.entitlementsOf(wanted)].map(([tag, { licence }]) => [tag, licence]);
  assert.deepEqual(told, [
    [login.usageTag, login.licence],
    [peer.usageTag, peer.licence],
  ]);
});
