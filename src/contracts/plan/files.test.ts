// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AGENT_FILES, gatewayFiles } from './files.ts';
import { GATEWAY_FILES, planGateway } from './plan.ts';

const owners = {
  agent: { uid: 900, gid: 901 },
  wireguard: { uid: 904, gid: 905 },
  tunnels: 910,
  charon: 911,
};

const files = gatewayFiles({
  plan: planGateway({
    gateway: 'zrh-01',
    location: 'ch-zrh',
    name: 'gw.example',
    address4: '198.51.100.1',
    address6: undefined,
    uplink: 'eth0',
  }),
  keys: Object.values(GATEWAY_FILES)
    .filter((path) => path.includes('/keys/'))
    .map((path) => ({ path, content: `content of ${path}` })),
  radiusSecret: 'secret = 00',
  token: 'token',
  controlAuthority: 'authority',
  agent: {
    controlUrl: 'https://control.example:8443',
    authfileKey: `${'A'.repeat(43)}=`,
    expectedKey: `${'A'.repeat(43)}=`,
    geoip: {},
    release: '1.0.0',
  },
  owners,
});

function rightsOf(path: string): string {
  const file = files.find((one) => one.path === path);
  return file === undefined ? 'not there' : `${file.mode.toString(8)} ${file.owner.uid}:${file.owner.gid}`;
}

test('each secret of a gateway is read by the one program that needs it', () => {
  const expected = {
    [GATEWAY_FILES.serverKey]: '640 0:910',
    [GATEWAY_FILES.tlsCryptKey]: '640 0:910',
    [GATEWAY_FILES.authTokenKey]: '640 0:910',
    [GATEWAY_FILES.wireguardKey]: '600 904:905',
    [GATEWAY_FILES.radiusSecret]: '440 900:911',
    [AGENT_FILES.token]: '600 900:901',
  };
  for (const [path, rights] of Object.entries(expected)) assert.equal(rightsOf(path), rights, path);
});

test('all else is public, belongs to root, and is nothing else', () => {
  for (const { path, mode, owner } of files) {
    const secret = /\/keys\/[\w-]+\.(?:key|secret|token)$/.test(path);
    assert.equal(mode === 0o644 && owner.uid === 0 && owner.gid === 0, !secret, path);
    assert.equal(mode & 0o022, 0, `${path} is written by its owner alone`);
  }
  assert.equal(new Set(files.map(({ path }) => path)).size, files.length);
});
