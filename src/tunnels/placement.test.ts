// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AGENT_FILES, placementOf } from './placement.ts';
import { GATEWAY_FILES, planGateway } from './plan.ts';
import { renderGateway } from './render.ts';

const PLAN = planGateway({
  gateway: 'zrh-01',
  location: 'ch-zrh',
  name: 'zrh-01.vpn.example',
  address4: '198.51.100.7',
  address6: undefined,
  uplink: 'eth0',
});

test('keys and tokens are readable by nobody but their readers, what is public by all', () => {
  for (const { name } of renderGateway(PLAN)) assert.equal(placementOf(`/run/lethe/${name}`).mode, 0o644, name);
  assert.equal(placementOf(GATEWAY_FILES.serverCertificate).mode, 0o644);
  assert.equal(placementOf(AGENT_FILES.controlAuthority).mode, 0o644);
  const { serverKey, tlsCryptKey, authTokenKey, radiusSecret, wireguardKey } = GATEWAY_FILES;
  for (const path of [serverKey, tlsCryptKey, authTokenKey, radiusSecret, wireguardKey, AGENT_FILES.token]) {
    assert.equal(placementOf(path).mode & 0o7, 0, path);
  }
});

test('a file that no gateway has is placed nowhere', () => {
  for (const path of ['/run/lethe/keys/other.key', '/run/lethe/../etc/passwd', '/etc/shadow', '', '/run/lethe/a.sh']) {
    assert.throws(() => placementOf(path), RangeError);
  }
});
