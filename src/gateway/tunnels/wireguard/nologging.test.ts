// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planGateway, type RenderedFile } from '../../../contracts/plan/plan.ts';
import { render } from '../../../contracts/plan/wireguard/render.ts';
import { WIREGUARD_JUDGE } from './nologging.ts';

const { findings } = WIREGUARD_JUDGE;

const CHOICE = {
  gateway: 'a-1',
  location: 'a',
  name: 'a',
  address4: '198.51.100.1',
  address6: undefined,
  uplink: 'eth0',
};
const [GOOD] = render(planGateway(CHOICE)) as [RenderedFile];

test('what is rendered says nothing', () => {
  assert.deepEqual(findings(GOOD), []);
  assert.equal(
    GOOD.content,
    'LOG_LEVEL=silent\nGOTRACEBACK=none\nWG_DEVICE=wg0\nWG_LISTEN_PORT=51820\n' +
      'WG_ADDRESS4=100.64.0.1/10\nWG_ADDRESS6=fd6c:6574:6865:4::1/64\nWG_MTU=1420\n',
  );
});

test('each way to make the daemon talk is found', () => {
  const bad = [
    [GOOD.content.replace('silent', 'error'), 1],
    [GOOD.content.replace('silent', 'debug'), 1],
    [GOOD.content.replace('LOG_LEVEL=silent\n', ''), 0],
    [`${GOOD.content}LOG_LEVEL=verbose\n`, 1],
    [GOOD.content.replace('=none', '=all'), 2],
    [GOOD.content.replace('GOTRACEBACK=none', 'GOTRACEBACK=crash'), 2],
    [`${GOOD.content}LOG_FILE=/var/log/wg\n`, 8],
    [`${GOOD.content}GODEBUG=gctrace=1\n`, 8],
    [`${GOOD.content}garbage\n`, 0],
    [GOOD.content.replace('MTU=1420', 'MTU=1420\\'), 7],
  ] as const;
  for (const [content, line] of bad) {
    const found = findings({ ...GOOD, content }) ?? [];
    assert.deepEqual(
      found.map((finding) => finding.line),
      [line],
      content,
    );
  }
});

test('files of others are not judged here', () => {
  assert.equal(findings({ name: 'other.env', content: 'LOG_LEVEL=debug' }), undefined);
});
