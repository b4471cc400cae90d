// SPDX-License-Identifier: AGPL-3.0-or-later
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ManualClock } from '../../src/core/clock/clock.ts';
import { writingJournal } from '../../src/core/journal/journal.ts';
import { systemRandom } from '../../src/core/random/random.ts';
import { CurrentAuthFile } from '../../src/gateway/authfile/current.ts';
import { nowhere } from '../../src/gateway/geoip/origin.ts';
import { RadiusSocket } from '../../src/gateway/sensitive/radius.os.ts';
import { RadiusServer } from '../../src/gateway/sensitive/radius.ts';

// The agent's RADIUS server as a program of its own, for benchmarks: it serves PAP clients only.
// Arguments: auth file, its signer's public key (PEM), shared secret, day (milliseconds). Writes its port.

const [authFile = '', publicKey = '', secret = '', day = ''] = process.argv.slice(2);
const auth = new CurrentAuthFile(
  createPublicKey(readFileSync(publicKey)),
  writingJournal(() => undefined),
);
auth.offer(readFileSync(authFile));
const server = new RadiusServer({
  auth,
  gate: { admit: () => 'full', addresses: () => undefined },
  origin: nowhere,
  clock: new ManualClock(Number(day)),
  random: systemRandom,
  secret: Uint8Array.from(secret, (letter) => letter.charCodeAt(0)),
});
const socket = new RadiusSocket(server);
process.stdout.write(`port ${await socket.open('127.0.0.1', 0)}\n`);
process.on('SIGTERM', () => socket.close());
