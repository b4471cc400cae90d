// SPDX-License-Identifier: AGPL-3.0-or-later
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { CurrentAuthFile } from '../authdb/current.ts';
import { systemClock as clock } from '../clock/clock.ts';
import { nowhere } from '../geoip/origin.ts';
import { RecordingJournal } from '../journal/journal.ts';
import { systemRandom as random } from '../random/random.ts';
import { LiveSessions } from '../sessions/live.ts';
import { planGateway } from '../tunnels/plan.ts';
import { WireGuardAdapter } from '../tunnels/wireguard/adapter.os.ts';

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
