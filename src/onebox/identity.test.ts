// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { GATEWAY_FILES, planGateway } from '../contracts/plan/plan.ts';
import { systemClock } from '../core/clock/clock.ts';
import { systemRandom } from '../core/random/random.ts';
import { issueFleetTls, openGatewayIdentity, openIdentity, signingPublicKey } from './identity.os.ts';

const deps = { clock: systemClock, random: systemRandom };
const plan = planGateway({
  gateway: 'zrh-01',
  location: 'ch-zrh',
  name: 'zrh-01.example.net',
  address4: '198.18.0.1',
  address6: undefined,
  uplink: 'uplink',
});

test('an identity is made once, is found again, and belongs to root alone', async () => {
  const directory = join(mkdtempSync(join(tmpdir(), 'lethe-identity-')), 'keys');
  try {
    const identity = await openIdentity(directory, 'Example', deps);
    assert.deepEqual(await openIdentity(directory, 'Example', deps), identity);
    const gateway = await openGatewayIdentity(directory, identity, plan, deps);
    assert.deepEqual(await openGatewayIdentity(directory, identity, plan, deps), gateway);
    assert.equal(Buffer.from(signingPublicKey(identity), 'base64').length, 32);

    const ca = new X509Certificate(identity.caCertificate);
    const fleet = new X509Certificate((await issueFleetTls(directory, identity, ['10.66.0.1'], deps)).certificate);
    assert.ok(fleet.checkIP('10.66.0.1') && fleet.verify(ca.publicKey));
    const server = gateway.files.find((file) => file.path === GATEWAY_FILES.serverCertificate);
    assert.ok(new X509Certificate(server?.content ?? '').verify(ca.publicKey));

    for (const file of readdirSync(directory)) assert.equal(statSync(join(directory, file)).mode & 0o777, 0o600, file);
    assert.equal(statSync(directory).mode & 0o777, 0o700);

    const renamed = await openGatewayIdentity(directory, identity, { ...plan, name: 'zrh-02.example.net' }, deps);
    assert.notEqual(renamed.token, gateway.token);
    rmSync(join(directory, 'ca-key.json'));
    await assert.rejects(
      openGatewayIdentity(directory, identity, { ...plan, name: 'x.example.net' }, deps),
      /authority is gone/,
    );
  } finally {
    rmSync(join(directory, '..'), { recursive: true });
  }
});
