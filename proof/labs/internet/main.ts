// SPDX-License-Identifier: AGPL-3.0-or-later
import { parseArgs } from 'node:util';
import { openInternet } from './internet.os.ts';

// Runs the small Internet in the namespace it is started in, until SIGTERM. Prints `ready` when it serves.
const { values } = parseArgs({
  options: {
    http: { type: 'string', default: '80' },
    dns: { type: 'string', default: '53' },
    zone: { type: 'string', default: 'internet.test' },
    address4: { type: 'string', default: '203.0.113.80' },
    address6: { type: 'string', default: '2001:db8:80::80' },
  },
});
const internet = await openInternet({ ...values, http: Number(values.http), dns: Number(values.dns) });
process.once('SIGTERM', () => void internet.close());
process.stdout.write('ready\n');
