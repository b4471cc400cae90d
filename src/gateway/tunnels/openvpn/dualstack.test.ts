// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuthFileIssuer } from '../../../../proof/labs/customers/issuer.os.ts';
import { TestAgent } from '../../../../proof/labs/openvpn/agent.ts';
import { OUTER6, openOpenvpnLab } from '../../../../proof/labs/openvpn/lab.os.ts';
import { waitUntil } from '../../../core/clock/until.ts';

test('a gateway with both kinds of addresses serves clients of either', async () => {
  const protocols = ['openvpn-udp', 'openvpn-tcp'] as const;
  const issuer = new AuthFileIssuer();
  issuer.publish([{ username: 'alice', password: 'correct horse' }]);
  const lab = await openOpenvpnLab({ protocols, clients: 2, server: { local: undefined } });
  const agents: TestAgent[] = [];
  try {
    for (const protocol of protocols) {
      const agent = new TestAgent(issuer, lab.socket(protocol), protocol);
      agents.push(agent);
      await agent.adapter.start();
      await lab.connected(0, 'alice', 'correct horse', { protocol });
      assert.deepEqual(agent.origin.asked, { first: 203, last: 2, length: 4 });
      await lab.connected(1, 'alice', 'correct horse', { protocol, address: OUTER6 });
      assert.deepEqual(agent.origin.asked, { first: 0x20, last: 2, length: 16 });
      for (const client of lab.clients) await client.run(['ping', '-q', '-c1', '-W20', lab.plan.service4]);
      agent.adapter.stop();

      const next = new TestAgent(issuer, lab.socket(protocol), protocol);
      agents.push(next);
      await next.adapter.start();
      await waitUntil('both are taken over', () => next.live === 2);
      assert.deepEqual(next.origin.lengths, new Set([4, 16]));
      await lab.disconnectAll();
    }
  } finally {
    for (const agent of agents) agent.adapter.stop();
    await lab.close();
  }
});
