// SPDX-License-Identifier: AGPL-3.0-or-later
// Needs root.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openIkev2Lab } from '../../../../proof/labs/ikev2/lab.os.ts';

const ALICE = { username: 'alice-customer', password: 'her password', seats: 1 };

test('a stock charon refuses a gateway whose name its authority may not certify', async () => {
  const lab = await openIkev2Lab({ customers: [ALICE], permitted: 'other.example' });
  try {
    await lab.startCharon();
    await lab.startAgent();
    await lab.startClient(0, ALICE.username, ALICE.password);
    await assert.rejects(lab.connect(0), /gw\.example[^]*(constraint|not trusted|no trusted RSA public key)/);
  } finally {
    await lab.close();
  }
});
