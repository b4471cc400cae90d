// SPDX-License-Identifier: AGPL-3.0-or-later
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { planGateway } from '../../src/contracts/plan/plan.ts';
import { systemClock as clock } from '../../src/core/clock/clock.ts';
import { RecordingJournal } from '../../src/core/journal/journal.ts';
import { systemRandom as random } from '../../src/core/random/random.ts';
import { CurrentAuthFile } from '../../src/gateway/authfile/current.ts';
import { nowhere } from '../../src/gateway/geoip/origin.ts';
import { LiveSessions } from '../../src/gateway/sessions/live.ts';
import { WireGuardAdapter } from '../../src/gateway/tunnels/wireguard/adapter.os.ts';

// The agent as far as WireGuard needs it, in a process of its own, so that its CPU time can be told from the daemon's:
// `node wireguard-agent.os.ts SOCKET AUTHFILE KEY`.

const [socket = '', file = '', key = ''] = process.argv.slice(2);
const journal = new RecordingJournal();
const auth = new CurrentAuthFile(createPublicKey(readFileSync(key)), journal);
auth.offer(new Uint8Array(readFileSync(file)));
const { tunnels } = planGateway({ gateway: '', location: '', name: '', address4: '', address6: undefined, uplink: '' });
const sessions = new LiveSessions({ clock, random, journal, used: () => undefined });
const parts = { sessions, auth, origin: nowhere, journal, clock, socket, tunnel: tunnels.wireguard };
const adapter = new WireGuardAdapter(parts);
await adapter.start();
process.once('SIGTERM', () => void adapter.stop());
process.stdout.write('ready\n');
