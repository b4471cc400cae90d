// SPDX-License-Identifier: AGPL-3.0-or-later
// Needs root.
import assert from 'node:assert/strict';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { sampleParameters } from '../../proof/labs/activator/tpms.os.ts';
import { TestAuthority } from '../../proof/labs/authority/authority.ts';
import { ActivatorStore, StoreError } from '../../src/activator/activator.store.ts';
import { Challenges } from '../../src/activator/challenges.ts';
import { hourOf, proofAge } from '../../src/activator/freshness.ts';
import { AuthorityError, authorityFromPem, openActivatorKeys, storePublicKey } from '../../src/activator/keys.os.ts';
import { readPolicy } from '../../src/activator/policy.os.ts';
import { pem } from '../../src/bytes/formats/der.ts';
import { seal } from '../../src/bytes/formats/hpke.ts';
import { bundleBytes, HANDOVER_INFO, parseBundle } from '../../src/contracts/activation/bundle.ts';
import { LONGEST } from '../../src/contracts/activation/messages.ts';
import { openParameters, ParametersError, sealParameters } from '../../src/contracts/activation/parameters.ts';
import { issueServerCertificate, oneDay } from '../../src/contracts/pki/authority.ts';
import { generateP256Key, privateKeyPem } from '../../src/contracts/pki/keys.ts';
import { ManualClock } from '../../src/core/clock/clock.ts';
import { seededRandom, systemRandom } from '../../src/core/random/random.ts';
import { freshKeys } from '../../src/gateway/boot/boot-keys.os.ts';
import { openHandover } from '../../src/gateway/boot/guest.ts';
import { postingTo } from '../../src/gateway/boot/post.os.ts';
import type { Proven } from '../../src/gateway/boot/prove.ts';
import { placeFiles } from '../../src/host/files/place.os.ts';
import { REFUSALS } from '../../src/verify/attestation/refusal.ts';

const clock = new ManualClock(Date.now());
const deps = { clock, random: systemRandom };
let directory: string;
const at = (name: string) => join(directory, name);
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'lethe-activation-'));
});
after(() => rmSync(directory, { recursive: true }));

const TOKEN = 'A'.repeat(43);

test('the real tables are the inventory, and an undeclared column or another type turns the activator down', () => {
  const path = at('store.sqlite');
  new ActivatorStore(path).close();
  const database = new DatabaseSync(path);
  database.exec('alter table boots add column source_ip text');
  assert.throws(
    () => new ActivatorStore(path),
    (error) => error instanceof StoreError && /source_ip is not in/.test(error.message),
  );
  database.exec('alter table boots drop column source_ip');
  const store = new ActivatorStore(path);
  assert.deepEqual(store.findings(), []);
  const firmware = { kind: 'word', purpose: '', holder: 'operator', retention: 'public' } as const;
  assert.deepEqual(store.findings({ 'activator.gateways': { firmware } }).slice(-1), [
    'gateways.firmware is not as declared',
  ]);
  assert.throws(() => store.atomically(() => assert.fail('half way')), /half way/);
  store.close();
  database.close();
});

test('a row that is deleted is gone from the file', () => {
  const path = at('forgetful.sqlite');
  const store = new ActivatorStore(path);
  const parameters = new TextEncoder().encode('a marker that must not stay');
  const gateway = {
    gateway: 'zrh-01',
    certificate: new Uint8Array(32),
    identity: undefined,
    parameters,
    firmware: undefined,
  };
  assert.ok(store.enrol(gateway));
  assert.equal(store.enrol({ ...gateway, gateway: 'zrh-02' }), false, 'the same TPM');
  assert.ok(store.forget('zrh-01'));
  store.close();
  assert.ok(!readFileSync(path).includes('a marker'));
});

test('answered questions are forgotten when they would have expired', () => {
  const challenges = new Challenges({ clock, random: seededRandom('challenges') });
  const asked = (nonce: number) => ({
    gateway: 'zrh-01',
    nonce: new Uint8Array(32).fill(nonce),
    secret: new Uint8Array(32),
    attestationKey: new Uint8Array(90),
    identity: new Uint8Array(32),
  });
  const first = challenges.seal(asked(1));
  assert.deepEqual(challenges.open(first), { ...asked(1), expires: 120_000 });
  challenges.close(asked(1));
  assert.deepEqual(challenges.open(first), { refused: 'nonce_used' });
  clock.advance(120_000);
  assert.deepEqual(challenges.open(first), { refused: 'nonce_expired' });
  challenges.close(asked(2));
  for (let length = 0; length < first.length; length += 7)
    assert.deepEqual(challenges.open(first.subarray(0, length)), { refused: 'nonce_unknown' });
});

test('parameters are of one gateway and for one activator', () => {
  const key = systemRandom.bytes(32);
  const complete = { ...sampleParameters('zrh-01'), token: TOKEN };
  const parameters = sealParameters(storePublicKey({ store: key }), complete, systemRandom);
  const { plan, ...rest } = openParameters(key, { gateway: 'zrh-01', parameters });
  assert.deepEqual({ ...rest, plan: { ...plan, address6: plan.address6 } }, complete);
  assert.throws(() => openParameters(key, { gateway: 'zrh-02', parameters }), ParametersError);
  assert.throws(() => openParameters(systemRandom.bytes(32), { gateway: 'zrh-01', parameters }), ParametersError);
});

test('a bundle holds what it may hold and nothing else', async () => {
  const made = await TestAuthority.create();
  const parameters = { ...sampleParameters('zrh-01'), controlAuthority: made.certificate, token: TOKEN };
  const bytes = bundleBytes(parameters, made.certificate, '1.2.3');
  const bundle = parseBundle(bytes);
  assert.ok(!('problem' in bundle));
  const changed = (change: object) => parseBundle(new TextEncoder().encode(JSON.stringify({ ...bundle, ...change })));
  const evil: Record<string, object> = {
    'an unknown key': { script: '/bin/sh' },
    'a name that is configuration': { plan: { ...bundle.plan, name: 'x"\nscript-security 3' } },
    'a device that is configuration': { plan: { ...bundle.plan, uplink: 'eth0; up /bin/sh' } },
    'a resolver that is configuration': { plan: { ...bundle.plan, forwarders: ['192.0.2.1\nlog-queries: yes'] } },
    'a file for a certificate': { caCertificate: '/etc/passwd' },
    'more behind a certificate': { caCertificate: `${made.certificate}\n<key>` },
    'more behind a key': { tlsCryptKey: `${bundle.tlsCryptKey}script-security 3\n` },
    'plain HTTP': { controlUrl: 'http://control.example' },
    'a token that is a header': { token: `${'A'.repeat(40)}\r\nX` },
  };
  for (const [what, change] of Object.entries(evil)) assert.ok('problem' in changed(change), what);
});

test('a guest takes only what is sealed to it, closed, and certified for its own key', async () => {
  mkdirSync(at('guest'));
  const keys = await freshKeys(at('guest'), systemRandom);
  const [{ authority, certificate, key }, { authority: other }] = [
    await TestAuthority.create(),
    await TestAuthority.create(),
  ];
  const parameters = { ...sampleParameters('zrh-01'), controlAuthority: certificate, token: TOKEN };
  const binding = new Uint8Array(32);
  const subject = { name: 'zrh-01.example', addresses: [], key: keys.server };
  const good = await issueServerCertificate(deps, authority, subject);
  const sealed = (bytes: Uint8Array) =>
    seal(keys.published.handover, bytes, { info: HANDOVER_INFO, aad: binding }, systemRandom.bytes(32));
  const bundle = bundleBytes(parameters, certificate, '1.2.3');
  const outcome = (change: Partial<Proven>) => {
    const proven = { certificate: good, binding, sealed: sealed(bundle), ...change };
    const opened = openHandover(proven, keys, deps.clock.wall());
    return 'unusable' in opened ? opened.unusable : 'taken';
  };
  assert.equal(outcome({}), 'taken');
  assert.equal(outcome({ sealed: undefined }), 'sealed');
  assert.equal(outcome({ binding: new Uint8Array(32).fill(1) }), 'sealed');
  assert.equal(outcome({ sealed: sealed(new TextEncoder().encode('{}')) }), 'bundle');
  assert.equal(outcome({ certificate: 'junk' }), 'certificate');
  assert.equal(outcome({ certificate: await issueServerCertificate(deps, other, subject) }), 'certificate');
  for (const days of [-300, 300]) {
    const clock = new ManualClock(deps.clock.wall() + days * 86_400_000);
    const certificate = await issueServerCertificate({ ...deps, clock }, authority, subject, oneDay(clock));
    assert.equal(outcome({ certificate }), 'certificate', `${days} days from now`);
  }
  assert.equal(
    outcome({ certificate: await issueServerCertificate(deps, authority, { ...subject, key }) }),
    'certificate',
  );
  assert.equal(
    outcome({ certificate: await issueServerCertificate(deps, authority, { ...subject, name: 'x.example' }) }),
    'certificate',
  );
});

test("a service's own authority is used instead of one that is made, and not kept", async () => {
  const name = { organization: 'Example', commonName: 'Example VPN CA' };
  const made = await TestAuthority.create({ name });
  const given = authorityFromPem({ certificate: made.certificate, key: privateKeyPem(made.key) });
  assert.deepEqual(given.name, name);
  const own = at('with-issuer');
  const keys = await openActivatorKeys(own, deps, given);
  assert.equal(keys.issuer.certificate, made.certificate);
  assert.equal((await openActivatorKeys(own, deps, given)).tls.certificate, keys.tls.certificate);
  assert.equal(statSync(join(own, 'keys.json')).mode & 0o777, 0o600);
  await assert.rejects(openActivatorKeys(own, deps, { gatewayDomain: undefined }), AuthorityError);
  writeFileSync(join(own, 'keys.json'), '{');
  await assert.rejects(openActivatorKeys(own, deps, { gatewayDomain: undefined }), AuthorityError);
  const stranger = privateKeyPem(await generateP256Key());
  assert.throws(() => authorityFromPem({ certificate: made.certificate, key: stranger }), AuthorityError);
});

test('a policy that cannot be read, or is of another form, is a problem', () => {
  const policy = { tpms: { roots: at('roots.pem') }, minimumVersion: '1.0.0', releases: [] };
  const read = (content: object) => {
    writeFileSync(at('policy.json'), JSON.stringify(content));
    return readPolicy(at('policy.json'));
  };
  assert.ok('problem' in readPolicy(at('nowhere')));
  assert.ok('problem' in read(policy), 'the roots are missing');
  writeFileSync(at('roots.pem'), '');
  const empty = read(policy);
  assert.ok('trust' in empty && empty.trust.roots.length === 0);
  writeFileSync(at('roots.pem'), pem('CERTIFICATE', new Uint8Array(10)));
  assert.ok('problem' in read(policy), 'the root is no certificate');
  assert.ok('problem' in read({ ...policy, minimumVersion: 'new' }));
  const release = {
    version: '1.0.0',
    pcrs: { 4: 'a', 7: 'b', 9: 'c', 11: 'd' },
    notBefore: '2026-01-01',
    notAfter: '2027-01-01',
  };
  assert.ok('problem' in read({ ...policy, releases: [release] }));
  const hash = '00'.repeat(32);
  const pcrs = { 4: hash, 7: hash, 9: hash, 11: hash };
  assert.ok('problem' in read({ ...policy, releases: [{ ...release, pcrs, notAfter: 'never' }] }));
  assert.ok('problem' in read({ ...policy, releases: [{ ...release, pcrs, surprise: true }] }));
});

test('an answer without end is not waited for, and an answer without a body is one', async () => {
  const made = await TestAuthority.create();
  const { certificate: cert, key } = await made.server('localhost', ['127.0.0.1']);
  const server = createServer({ cert, key }, (request, response) => {
    response.end(request.url === '/long' ? Buffer.alloc(LONGEST.toMachine + 1) : '');
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  try {
    const { port } = server.address() as AddressInfo;
    const post = postingTo({ activator: `https://127.0.0.1:${port}`, authority: made.certificate });
    assert.equal(await post('/', '{}'), '');
    await assert.rejects(post('/long', '{}'), /too long/);
    const other = await TestAuthority.create();
    await assert.rejects(postingTo({ activator: `https://127.0.0.1:${port}`, authority: other.certificate })('/', ''));
  } finally {
    server.close();
  }
});

test('a file is placed whole, with its owner and mode, over an older one and over a half-made one', () => {
  const root = at('root');
  mkdirSync(join(root, 'run'), { recursive: true });
  writeFileSync(join(root, 'run/secret.unfinished'), 'half', { mode: 0o666 });
  const file = { path: '/run/secret', content: 'one', mode: 0o640, owner: { uid: 900, gid: 910 } };
  placeFiles(root, [file]);
  placeFiles(root, [{ ...file, content: 'two' }]);
  const { mode, uid, gid } = statSync(join(root, 'run/secret'));
  assert.deepEqual([mode & 0o777, uid, gid], [0o640, 900, 910]);
  assert.equal(readFileSync(join(root, 'run/secret'), 'utf8'), 'two');
});

test('every reason to refuse is explained to operators, and met by a test', () => {
  const manual = readFileSync('docs/activation.md', 'utf8');
  const tests = ['test/activation', 'src/verify/attestation'].flatMap((room) =>
    globSync(`${room}/*.test.ts`)
      .filter((file) => !file.endsWith('parts.test.ts'))
      .map((file) => readFileSync(file, 'utf8')),
  );
  for (const [code, meaning] of Object.entries(REFUSALS)) {
    assert.ok(manual.includes(`| \`${code}\` | ${meaning} |`), code);
    assert.ok(
      tests.some((text) => text.includes(`'${code}'`) || text.includes(`"${code}"`)),
      code,
    );
  }
});

test('a gateway that has not proven itself for three hours is overdue', () => {
  const now = hourOf(1_000 * 3_600_000 + 5);
  assert.equal(now, 1000);
  assert.equal(proofAge(1000, now), 'proved itself within the hour');
  assert.equal(proofAge(1001, now), 'proved itself within the hour', 'the clock was set back');
  assert.equal(proofAge(998, now), 'proved itself 2 h ago');
  assert.equal(proofAge(997, now), 'OVERDUE: proved itself 3 h ago');
});
