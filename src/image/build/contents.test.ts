// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { type Absence, findForbidden, type TreeEntry } from './contents.ts';

const EXPECTED = {
  programs: ['sh', 'tpm2_*', '['],
  traces: ['builder-7', '192.0.2.53', '/home/someone/lethe'],
  settled: { 'etc/hostname': 'gateway\n', 'etc/machine-id': '', 'etc/resolv.conf': '../run/lethe/resolv.conf' },
};
const PEM = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

function file(path: string, content: string | Uint8Array = '', mode = 0o644): TreeEntry {
  return { path, kind: 'file', mode, uid: 0, gid: 0, content: () => Buffer.from(content) };
}

function link(path: string, target: string): TreeEntry {
  return { ...file(path), kind: 'link', mode: 0o777, target };
}

function directory(path: string, mode = 0o755): TreeEntry {
  return { ...file(path, '', mode), kind: 'directory' };
}

const SIGNED = Buffer.concat([
  Buffer.alloc(600),
  Buffer.from([0, 0, 2, 0]),
  Buffer.from('~Module signature appended~\n'),
]);

test('nothing is found in what belongs there', () => {
  const good = [
    directory('etc'),
    directory('tmp', 0o1777),
    file('usr/bin/sh', '\x7fELF', 0o755),
    file('usr/bin/['),
    link('usr/bin/tpm2_quote', 'tpm2'),
    link('etc/systemd/system/getty.target', '/dev/null'),
    directory('usr/share/doc/login'),
    link('etc/resolv.conf', '../run/lethe/resolv.conf'),
    link('etc/mtab', '../proc/self/mounts'),
    file('etc/passwd', 'root:x:0:0:root:/root:/usr/sbin/nologin\n'),
    file('etc/shadow', 'root:!*:20000::::::\n'),
    file('etc/gshadow', 'root:!::\n'),
    file('etc/hostname', 'gateway\n'),
    file('etc/other', 'builder-70 or x192.0.2.53'),
    file('usr/lib/lethe/operator.json', '-----BEGIN CERTIFICATE-----\\nMIIB'),
    file('usr/lib/libcrypto.so.3', '-----BEGIN PRIVATE KEY-----\0-----BEGIN CERTIFICATE-----\0'),
    file('usr/lib/modules/6.1/kernel/a.ko', SIGNED),
    file('usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2', '', 0o755),
  ];
  assert.deepEqual(findForbidden(good, EXPECTED), []);
});

const pem = PEM.export({ type: 'pkcs8', format: 'pem' });
const body = 'A'.repeat(64);

const PLANTED: Readonly<Record<Absence, readonly TreeEntry[]>> = {
  secret: [
    file('usr/share/x', `text before\n${pem}`),
    file('usr/share/x', PEM.export({ type: 'sec1', format: 'pem' })),
    file('usr/share/x', PEM.export({ type: 'pkcs8', format: 'der' })),
    file('usr/share/x', PEM.export({ type: 'sec1', format: 'der' })),
    file(
      'usr/share/x',
      generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ type: 'pkcs1', format: 'der' }),
    ),
    file('usr/share/x', generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'der' })),
    file('usr/share/x', `-----BEGIN OPENSSH PRIVATE KEY-----\n${body}`),
    file('usr/share/x', `-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: x\n\n${body}`),
    file('usr/share/x', '-----BEGIN OpenVPN Static key V1-----\n0123456789abcdef0123456789abcdef\n'),
    file('usr/share/x', `untrusted comment: minisign encrypted secret key\n${body}`),
    file('usr/share/x', `[Interface]\nPrivateKey = ${'A'.repeat(43)}=\n`),
    file('usr/share/x', `private_key=${'0'.repeat(64)}\n`),
    file('etc/service.key'),
    file('var/lib/random-seed'),
    file('root2/.netrc'),
  ],
  certificate: [
    file('etc/ssl/ca.crt', `-----BEGIN CERTIFICATE-----\n${body}`),
    file('usr/lib/lethe/other.json', `-----BEGIN CERTIFICATE-----\n${body}`),
  ],
  'way to log in': [
    file('usr/lib/sshd'),
    file('usr/lib/systemd/system/serial-getty@.service'),
    link('etc/systemd/system/getty.target', '/lib/x'),
    file('usr/lib/agetty'),
    file('usr/lib/systemd/system/emergency.service'),
    file('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n'),
    file('etc/passwd', 'root::0:0:root:/root:/usr/sbin/nologin\n'),
    file('etc/shadow', 'root:$y$j9T$salt$hash:20000::::::\n'),
    file('etc/shadow', 'root::20000::::::\n'),
    file('etc/gshadow', 'root:hash::\n'),
  ],
  'compiler or interpreter': ['gcc-12', 'x86_64-linux-gnu-ld.bfd', 'perl5.36.0', 'python3.11', 'bash', 'cc1', 'busybox']
    .filter((name) => name !== 'cc1')
    .map((name) => file(`usr/lib/${name}`, '', 0o755)),
  'package manager': ['apt', 'apt-get', 'dpkg', 'dpkg-deb', 'npm'].map((name) => file(`usr/lib/${name}`, '', 0o755)),
  'program not on the list': [file('usr/bin/curl', '', 0o755), link('sbin/sh2', 'sh'), file('usr/local/bin/x')],
  setuid: [file('usr/lib/helper', '', 0o4755), file('usr/lib/helper', '', 0o2755), directory('var/shared', 0o2755)],
  'unsigned module': [
    file('usr/lib/modules/a.ko'),
    file('opt/b.ko', SIGNED.subarray(0, -1)),
    file('opt/c.ko', Buffer.concat([Buffer.alloc(8), Buffer.from('~Module signature appended~\n')])),
    file('opt/d.ko.xz', 'x'),
    file('opt/e.ko', Buffer.concat([SIGNED.subarray(0, -28), Buffer.alloc(28)])),
    file('opt/f.ko', Buffer.concat([Buffer.alloc(64), Buffer.from('~Module signature appended~\n')])),
  ],
  'writable by others': [file('etc/open', '', 0o666), directory('var/open', 0o777)],
  'trace of the building machine': [
    file('etc/hostname', 'builder-7\n'),
    file('etc/machine-id', '0123456789abcdef0123456789abcdef\n'),
    link('etc/resolv.conf', '../run/resolv.conf'),
    file('etc/resolv.conf', 'nameserver 192.0.2.1\n'),
    file('etc/any', 'made on builder-7.'),
    file('var/lib/any', 'nameserver 192.0.2.53\n'),
    file('usr/lib/lethe/gateway.js', '// /home/someone/lethe/src/x.ts'),
    link('usr/lib/any', '/home/someone/lethe/x'),
  ],
  'left over': [
    file('var/log/dpkg.log'),
    file('var/cache/x'),
    link('tmp/x', 'y'),
    file('root/.bash_history'),
    file('run/x'),
  ],
  'special file': [{ ...file('usr/lib/socket'), kind: 'other' }],
};

test('each thing that must not be there is found, by its own rule', () => {
  for (const [absence, entries] of Object.entries(PLANTED)) {
    for (const entry of entries) {
      const found = findForbidden([entry], EXPECTED).map((finding) => finding.absence);
      assert.ok(found.includes(absence as Absence), `${absence}: ${entry.path} gives ${found.join()}`);
    }
  }
});

test('a certificate or key in a library of public ones is no finding, and nowhere else', () => {
  const roots = `-----BEGIN CERTIFICATE-----\n${body}`;
  assert.deepEqual(findForbidden([file('usr/lib/lethe/operator.json', roots)], EXPECTED), []);
  assert.deepEqual(findForbidden([file('usr/lib/x86_64-linux-gnu/libgnutls.so.30.34.3', pem)], EXPECTED), []);
  assert.equal(findForbidden([file('usr/lib/libgnutls.so.30.34.3', pem)], EXPECTED).length, 1);
});
