// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createAuthority, isConstrained } from '../contracts/pki/authority.ts';
import { signerOf } from '../contracts/pki/keys.ts';
import { GATEWAY_FILES, planGateway } from '../contracts/plan/plan.ts';
import { systemClock } from '../core/clock/clock.ts';
import { systemRandom } from '../core/random/random.ts';
import { run } from '../host/processes/process.os.ts';
import { authorityKey, issueFleetTls, openGatewayIdentity, openIdentity, signingPublicKey } from './identity.os.ts';

const deps = { clock: systemClock, random: systemRandom };
const plan = planGateway({
  gateway: 'zrh-01',
  location: 'ch-zrh',
  name: 'zrh-01.gateways.lethe.internal',
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
    const tls = await issueFleetTls(directory, ['10.66.0.1'], deps);
    const [fleet, own] = [tls.certificate, tls.authority].map((pem) => new X509Certificate(pem));
    assert.ok(fleet?.checkIP('10.66.0.1') && own && fleet.verify(own.publicKey) && !fleet.verify(ca.publicKey));
    assert.equal((await issueFleetTls(directory, ['10.66.0.1'], deps)).authority, tls.authority);
    const server = gateway.files.find((file) => file.path === GATEWAY_FILES.serverCertificate);
    assert.ok(new X509Certificate(server?.content ?? '').verify(ca.publicKey));

    for (const file of readdirSync(directory)) assert.equal(statSync(join(directory, file)).mode & 0o777, 0o600, file);
    assert.equal(statSync(directory).mode & 0o777, 0o700);

    const renamed = await openGatewayIdentity(
      directory,
      identity,
      { ...plan, name: 'zrh-02.gateways.lethe.internal' },
      deps,
    );
    assert.notEqual(renamed.token, gateway.token);
    rmSync(join(directory, 'ca-key.json'));
    await assert.rejects(
      openGatewayIdentity(directory, identity, { ...plan, name: 'x.gateways.lethe.internal' }, deps),
      /authority is gone/,
    );
  } finally {
    rmSync(join(directory, '..'), { recursive: true });
  }
});

test('the authority has the name of the service once, and certifies gateways alone', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-identity-'));
  try {
    for (const [service, name] of [
      ['Nordlicht VPN', 'Nordlicht VPN CA'],
      ['Nordlicht', 'Nordlicht VPN CA'],
    ] as const) {
      const { caCertificate } = await openIdentity(join(directory, service), service, deps);
      assert.equal(new X509Certificate(caCertificate).subject, `CN=${name}`);
      const text = await run(['openssl', 'x509', '-noout', '-text'], { stdin: caCertificate });
      assert.match(text, /Name Constraints: critical\s+Permitted:\s+DNS:gateways\.lethe\.internal\s/);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('the authority of an earlier version, for every name, keeps its key and gets a certificate for gateways alone', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-identity-'));
  try {
    const identity = await openIdentity(directory, 'Example', deps);
    const { name, key } = authorityKey(directory);
    const caKey = createPrivateKey(key);
    const before = await createAuthority(deps, { name, key: caKey, signer: signerOf(caKey) });
    assert.equal(isConstrained(before.certificate), false);
    writeFileSync(join(directory, 'service.json'), JSON.stringify({ ...identity, caCertificate: before.certificate }));
    const after = await openIdentity(directory, 'Example', deps);
    assert.ok(isConstrained(after.caCertificate));
    const [old, made] = [before.certificate, after.caCertificate].map((pem) => new X509Certificate(pem));
    assert.ok(old && made?.verify(old.publicKey) && made.subject === old.subject);
    assert.equal((await openIdentity(directory, 'Example', deps)).caCertificate, after.caCertificate);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
