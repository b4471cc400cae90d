// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { ManualClock } from '../../core/clock/clock.ts';
import { seededRandom, systemRandom } from '../../core/random/random.ts';
import { type Namespace, openNamespace } from '../../host/namespaces/namespace.os.ts';
import { run } from '../../host/processes/process.os.ts';
import { untilReady } from '../../host/processes/ready.os.ts';
import { GATEWAY_FILES, type GatewayPlan, planGateway } from '../plan/plan.ts';
import { type Authority, createAuthority, issueServerCertificate } from './authority.ts';
import { type GatewayKeys, makeGatewayKeys } from './gateway-keys.ts';
import {
  generateP256Key,
  generateRsaKey,
  generateWireguardKeys,
  openvpnStaticKey,
  privateKeyPem,
  signerOf,
} from './keys.ts';

const STARTED = 'Initialization Sequence Completed';
const NAME = 'zrh-01.gateways.example';
const clock = new ManualClock(Date.now());
const deps = { clock, random: systemRandom };
const plan: GatewayPlan = planGateway({
  gateway: 'zrh-01',
  location: 'ch-zrh',
  name: NAME,
  address4: '192.0.2.7',
  address6: '2001:db8::7',
  uplink: 'eth0',
});

let directory: string;
let authority: Authority;
let keys: GatewayKeys;

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lethe-pki-'));
  const key = await generateRsaKey();
  authority = await createAuthority(deps, {
    name: { organization: 'Example VPN', commonName: 'Example VPN authority' },
    key,
    signer: signerOf(key),
    permitted: ['gateways.example'],
  });
  keys = await makeGatewayKeys(deps, authority, plan, openvpnStaticKey(systemRandom));
  for (const file of keys.files) writeFileSync(at(file.path), file.content, { mode: 0o600 });
});

after(() => rmSync(directory, { recursive: true, force: true }));

function at(path: string): string {
  return join(directory, basename(path));
}

const CA = () => at(GATEWAY_FILES.caCertificate);
const SERVER = () => at(GATEWAY_FILES.serverCertificate);

test('openssl builds the chain, strictly, for name and both addresses', async () => {
  for (const check of [
    ['-verify_hostname', NAME],
    ['-verify_ip', '192.0.2.7'],
    ['-verify_ip', '2001:db8::7'],
  ]) {
    const said = await run([
      'openssl',
      'verify',
      '-x509_strict',
      '-purpose',
      'sslserver',
      ...check,
      '-CAfile',
      CA(),
      SERVER(),
    ]);
    assert.match(said, /: OK/);
  }
  const wrong = ['openssl', 'verify', '-verify_hostname', 'other.example', '-CAfile', CA(), SERVER()];
  await assert.rejects(run(wrong), /[Hh]ostname mismatch/);
  await assert.rejects(run(['openssl', 'verify', '-purpose', 'sslclient', '-CAfile', CA(), SERVER()]), /purpose/);
});

/** Signed by the authority that customers trust, for a name of somebody else. */
async function foreign(): Promise<{ readonly certificate: string; readonly key: string }> {
  const key = await generateP256Key();
  const made = await issueServerCertificate(deps, authority, { name: 'google.com', addresses: [], key });
  const [certificate, keyFile] = [at('foreign.crt'), at('foreign.key')];
  writeFileSync(certificate, made);
  writeFileSync(keyFile, privateKeyPem(key), { mode: 0o600 });
  return { certificate, key: keyFile };
}

test('what the authority signs for the name of others is refused by openssl and by NSS', async () => {
  const { certificate } = await foreign();
  await assert.rejects(run(['openssl', 'verify', '-CAfile', CA(), certificate]), /permitted subtree violation/);
  const database = `sql:${at('nss')}`;
  mkdirSync(at('nss'));
  const certutil = (...argv: string[]) => run(['certutil', '-d', database, ...argv]);
  await certutil('-N', '--empty-password');
  await certutil('-A', '-n', 'authority', '-t', 'C,,', '-i', CA());
  await certutil('-A', '-n', 'own', '-t', ',,', '-i', SERVER());
  await certutil('-A', '-n', 'foreign', '-t', ',,', '-i', certificate);
  assert.match(await certutil('-V', '-n', 'own', '-u', 'V'), /certificate is valid/);
  await assert.rejects(
    certutil('-V', '-n', 'foreign', '-u', 'V'),
    /does not have permission|not in.*name space|invalid/i,
  );
});

test('openssl reads every extension as it was meant', async () => {
  const ca = await run(['openssl', 'x509', '-in', CA(), '-noout', '-text']);
  assert.match(ca, /Public-Key: \(4096 bit\)/);
  assert.match(ca, /Basic Constraints: critical\s+CA:TRUE, pathlen:0/);
  assert.match(ca, /Key Usage: critical\s+Certificate Sign, CRL Sign/);
  assert.match(ca, /Name Constraints: critical\s+Permitted:\s+DNS:gateways\.example\s/);
  assert.match(ca, /Subject: O = Example VPN, CN = Example VPN authority/);
  const server = await run(['openssl', 'x509', '-in', SERVER(), '-noout', '-text']);
  assert.match(server, /Public-Key: \(4096 bit\)/);
  assert.match(server, /Signature Algorithm: sha256WithRSAEncryption/);
  assert.match(server, /Basic Constraints: critical\s+CA:FALSE/);
  assert.match(server, /Key Usage: critical\s+Digital Signature, Key Encipherment/);
  assert.match(server, /TLS Web Server Authentication, 1\.3\.6\.1\.5\.5\.8\.2\.2/);
  assert.match(server, /DNS:zrh-01\.gateways\.example, IP Address:192\.0\.2\.7, IP Address:2001:DB8:0:0:0:0:0:7/);
  const [, issued] = /Authority Key Identifier:\s+([0-9A-F:]+)/.exec(server) ?? [];
  const [, held] = /Subject Key Identifier:\s+([0-9A-F:]+)/.exec(ca) ?? [];
  assert.equal(issued, held);
});

test('node reads the same', () => {
  const [ca, server] = [file(GATEWAY_FILES.caCertificate), file(GATEWAY_FILES.serverCertificate)].map(
    (pem) => new X509Certificate(pem),
  ) as [X509Certificate, X509Certificate];
  assert.equal(ca.ca, true);
  assert.equal(server.ca, false);
  assert.ok(server.verify(ca.publicKey));
  assert.ok(server.checkIssued(ca));
  assert.ok(server.checkPrivateKey(createPrivateKey(file(GATEWAY_FILES.serverKey))));
  assert.equal(server.checkHost(NAME), NAME);
  assert.equal(server.checkIP('192.0.2.7'), '192.0.2.7');
  assert.notEqual(server.serialNumber, ca.serialNumber);
});

test('dates are whole days, and begin the day before', () => {
  const server = new X509Certificate(file(GATEWAY_FILES.serverCertificate));
  assert.equal(server.validFromDate.getTime() % 86_400_000, 0);
  assert.equal(server.validToDate.getTime() % 86_400_000, 0);
  assert.ok(server.validFromDate.getTime() < clock.wall());
  assert.ok(clock.wall() - server.validFromDate.getTime() < 2 * 86_400_000);
});

test('an elliptic key serves as well, on either side', async () => {
  const key = await generateP256Key();
  const small = await createAuthority(deps, { name: { commonName: 'small' }, key, signer: signerOf(key) });
  const server = await generateP256Key();
  const certificate = new X509Certificate(
    await issueServerCertificate(deps, small, { name: NAME, addresses: [], key: createPublicKey(server) }),
  );
  assert.ok(certificate.verify(createPublicKey(key)));
  assert.ok(certificate.checkPrivateKey(server));
  assert.equal(certificate.subjectAltName, `DNS:${NAME}`);
});

test('serial numbers are positive whatever chance gives', async () => {
  const key = await generateP256Key();
  for (const byte of [0x00, 0xff]) {
    const random = { bytes: (length: number) => new Uint8Array(length).fill(byte) };
    const made = await createAuthority({ clock, random }, { name: { commonName: 'x' }, key, signer: signerOf(key) });
    assert.match(new X509Certificate(made.certificate).serialNumber, /^[4-7][0-9A-F]{31}$/);
  }
});

test('WireGuard keys are what wg would derive', async () => {
  const pair = await generateWireguardKeys();
  assert.equal((await run(['wg', 'pubkey'], { stdin: `${pair.privateKey}\n` })).trim(), pair.publicKey);
  assert.equal(
    (await run(['wg', 'pubkey'], { stdin: file(GATEWAY_FILES.wireguardKey) })).trim(),
    keys.wireguardPublicKey,
  );
});

test('the same chance gives the same static key, another chance another', () => {
  assert.equal(openvpnStaticKey(seededRandom('a')), openvpnStaticKey(seededRandom('a')));
  assert.notEqual(openvpnStaticKey(seededRandom('a')), openvpnStaticKey(seededRandom('b')));
});

/** A stock client before a stock server that shows this certificate: what the client says, until either text. */
async function shakeHands(
  shown: { readonly certificate: string; readonly key: string; readonly name: string },
  until: string,
): Promise<string> {
  const namespace = await openNamespace();
  try {
    const server = await namespace.spawn(
      words(
        'openvpn --dev tun --server 10.8.0.0 255.255.255.0 --dh none --port 1194 --verb 3',
        `--ca ${CA()} --cert ${shown.certificate} --key ${shown.key}`,
        `--tls-crypt ${at(GATEWAY_FILES.tlsCryptKey)} --verify-client-cert none`,
        `--auth-gen-token 3600 --auth-gen-token-secret ${at(GATEWAY_FILES.authTokenKey)}`,
        '--script-security 2 --auth-user-pass-verify /bin/true via-env',
      ),
    );
    await untilReady(server, 'openvpn', () => server.output().includes(STARTED));
    const login = at('login');
    writeFileSync(login, 'somebody\nsomething\n', { mode: 0o600 });
    const client = await namespace.spawn(
      words(
        `openvpn --dev tun --client --remote 127.0.0.1 1194 --nobind --verb 3 --auth-user-pass ${login}`,
        `--ca ${CA()} --remote-cert-tls server --verify-x509-name ${shown.name} name`,
        `--tls-crypt ${at(GATEWAY_FILES.tlsCryptKey)}`,
      ),
    );
    await untilReady(client, 'openvpn', () => client.output().includes(until));
    return client.output();
  } finally {
    await namespace.close();
  }
}

test('openvpn shakes hands with certificate, static key and token key', async () => {
  const own = { certificate: SERVER(), key: at(GATEWAY_FILES.serverKey), name: NAME };
  assert.match(await shakeHands(own, STARTED), /VERIFY EKU OK[^]*VERIFY X509NAME OK[^]*4096 bits RSA/);
});

test('openvpn refuses what the authority signs for the name of others', async () => {
  const said = await shakeHands({ ...(await foreign()), name: 'google.com' }, 'VERIFY ERROR');
  assert.match(said, /VERIFY ERROR: depth=0, error=permitted subtree violation/);
});

test('charon loads certificate and key, and knows the purpose', async () => {
  const namespace = await openNamespace();
  try {
    const listed = await listedByCharon(namespace);
    assert.match(listed, /altNames:\s+zrh-01\.gateways\.example, 192\.0\.2\.7, 2001:db8::7/);
    assert.match(listed, /flags:\s+serverAuth ikeIntermediate/);
    assert.match(listed, /pubkey:\s+RSA 4096 bits/);
  } finally {
    await namespace.close();
  }
});

async function listedByCharon(namespace: Namespace): Promise<string> {
  const strongswan = at('strongswan.conf');
  const socket = 'unix:///run/charon.vici';
  writeFileSync(
    strongswan,
    `charon {\n load_modular = no\n load = nonce pem pkcs1 pkcs8 x509 pubkey openssl kernel-netlink socket-default vici\n plugins { vici { socket = ${socket} } }\n}\n`,
  );
  const swanctl = at('swanctl.conf');
  writeFileSync(
    swanctl,
    `connections { gw { local { auth = pubkey\n certs = ${SERVER()}\n id = ${NAME} } } }\nauthorities { own { cacert = ${CA()} } }\n`,
  );
  mkdirSync(at('private'));
  writeFileSync(join(at('private'), 'server.key'), file(GATEWAY_FILES.serverKey), { mode: 0o600 });
  const env = { STRONGSWAN_CONF: strongswan };
  const charon = await namespace.spawn(['/usr/lib/ipsec/charon'], { env });
  await untilReady(charon, 'charon', () => existsSync(`/proc/${namespace.pid}/root/run/charon.vici`));
  const call = (...argv: string[]) => namespace.run(['swanctl', ...argv, '--uri', socket], { env });
  assert.match(await call('--load-all', '--file', swanctl), /loaded RSA key[^]*loaded connection 'gw'/i);
  return call('--list-certs');
}

function words(...lines: string[]): string[] {
  return lines.join(' ').split(' ');
}

function file(path: string): string {
  return keys.files.find((made) => made.path === path)?.content ?? assert.fail(path);
}
