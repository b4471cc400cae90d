// SPDX-License-Identifier: AGPL-3.0-or-later
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { RecordingJournal } from '../../../src/core/journal/journal.ts';
import { CurrentAuthFile } from '../../../src/gateway/authfile/current.ts';
import { TestAgent } from './agent.ts';

// The agent in a process of its own, so that its memory can be searched: `node agent.main.ts SOCKET AUTHFILE KEY`.
// It never hears of a customer but from OpenVPN.

const [socket = '', file = '', key = ''] = process.argv.slice(2);
const auth = new CurrentAuthFile(createPublicKey(readFileSync(key)), new RecordingJournal());
auth.offer(new Uint8Array(readFileSync(file)));
const agent = new TestAgent({ auth }, socket);
await agent.adapter.start();
process.on('SIGTERM', () => agent.adapter.stop());
process.stdout.write('ready\n');
