// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseUris } from './lock.os.ts';
import { debianSources } from './sources.ts';

const ONE_LINE = `# deb http://commented.example/debian bookworm main
deb [signed-by=/k.gpg arch=amd64] http://one.example/debian/ bookworm main contrib # here
deb-src http://one.example/debian bookworm main
deb http://one.example/debian-security bookworm-security main
deb http://other.example/apt bookworm stable
deb http://other.example/debian bookworm-updates contrib
`;
const DEB822 = `Types: deb deb-src
# comment
URIs: http://two.example/debian
Suites: bookworm
 bookworm-updates
Components: main

Types: deb
URIs: http://off.example/debian-security
Suites: bookworm-security
Components: main
Enabled: no

Types: deb
URIs: http://third.example/node
Suites: nodistro
Components: main
`;

test("finds Debian's archives in both formats, and nothing else", () => {
  assert.deepEqual(debianSources([ONE_LINE]), [
    { archive: 'debian', uri: 'http://one.example/debian', suite: 'bookworm' },
    { archive: 'debian-security', uri: 'http://one.example/debian-security', suite: 'bookworm-security' },
  ]);
  assert.deepEqual(debianSources([DEB822]), [
    { archive: 'debian', uri: 'http://two.example/debian', suite: 'bookworm' },
    { archive: 'debian', uri: 'http://two.example/debian', suite: 'bookworm-updates' },
  ]);
  assert.deepEqual(debianSources(['', 'Suites: x']), []);
});

test("apt's answer becomes lock entries that tell no host", () => {
  const sources = debianSources([ONE_LINE]);
  const sha = 'b'.repeat(64);
  const line = `'http://one.example/debian-security/pool/main/z/z_1%3a2-3%2bb1_all.deb' z_1%3a2-3+b1_all.deb 12 SHA256:${sha} `;
  assert.deepEqual(parseUris(`noise\n${line}\n`, sources), [
    {
      name: 'z',
      version: '1:2-3+b1',
      architecture: 'all',
      size: 12,
      sha256: sha,
      path: 'debian-security/pool/main/z/z_1%3a2-3%2bb1_all.deb',
    },
  ]);
  assert.throws(() => parseUris(line.replace('one.example', 'else.example'), sources), /in no known archive/);
  assert.throws(() => parseUris(line.replace('_all.deb 12', '_arm64.deb 12'), sources), /in no known archive/);
  assert.throws(() => parseUris('', sources), /resolved no packages/);
});
