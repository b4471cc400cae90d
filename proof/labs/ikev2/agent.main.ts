// SPDX-License-Identifier: AGPL-3.0-or-later
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readRadiusSecret } from '../../../src/contracts/plan/ikev2/secret.ts';
import { GATEWAY_FILES, planGateway } from '../../../src/contracts/plan/plan.ts';
import { systemClock } from '../../../src/core/clock/clock.ts';
import { writingJournal } from '../../../src/core/journal/journal.ts';
import { systemRandom } from '../../../src/core/random/random.ts';
import { isRefusal, type SessionId, type Sessions } from '../../../src/core/sessions/session.ts';
import { CurrentAuthFile } from '../../../src/gateway/authfile/current.ts';
import { nowhere } from '../../../src/gateway/geoip/origin.ts';
import { LiveSessions } from '../../../src/gateway/sessions/live.ts';
import { Ikev2Adapter } from '../../../src/gateway/tunnels/ikev2/adapter.os.ts';
import { giveUpRoot, type UserCalls } from '../../../src/host/processes/privileges.os.ts';
import { AGENT_USER, type Told } from './told.ts';

// The agent's IKEv2 part as a program of its own, for tests: it tells in JSON lines what it tells its sessions.
// `hasty` makes it look often, so that tests need not wait. SIGUSR2 ends all sessions as the service does when seats are withdrawn.

function tell(told: Told): void {
  process.stdout.write(`${JSON.stringify(told)}\n`);
}

function telling(sessions: LiveSessions): Sessions {
  return {
    admit(request) {
      const answer = sessions.admit(request);
      tell({ told: isRefusal(answer) ? 'refused' : 'admitted' });
      return answer;
    },
    established(session) {
      tell({ told: 'established' });
      sessions.established(session);
    },
    progress(session, totalBytes) {
      tell({ told: 'progress', totalBytes });
      sessions.progress(session, totalBytes);
    },
    ended(session: SessionId, totalBytes = 0) {
      tell({ told: 'ended', totalBytes });
      sessions.ended(session, totalBytes);
    },
  };
}

giveUpRoot(AGENT_USER, process as UserCalls);
const [authFile = '', publicKeyFile = '', pace = ''] = process.argv.slice(2);
const journal = writingJournal((line) => process.stdout.write(line));
const auth = new CurrentAuthFile(createPublicKey(readFileSync(publicKeyFile)), journal);
const sessions = new LiveSessions({
  clock: systemClock,
  random: systemRandom,
  journal,
  used: (record) => tell({ told: 'used', totalBytes: record.totalBytes, country: record.origin.country }),
});
const choice = { gateway: 'lab-01', location: 'xx-lab', name: 'gw.example', address4: '', address6: '', uplink: 'c0' };
const adapter = new Ikev2Adapter({
  sessions: telling(sessions),
  auth,
  origin: nowhere,
  journal,
  clock: systemClock,
  random: systemRandom,
  plan: planGateway(choice),
  secret: readRadiusSecret(readFileSync(GATEWAY_FILES.radiusSecret, 'utf8')) ?? new Uint8Array(0),
  ...(pace === 'hasty' ? { times: { list: 500, sweep: 200, retry: 100 } } : {}),
});

process.on('SIGUSR2', () =>
  sessions.endThese(
    sessions.list().map((beat) => beat.session),
    'seats',
  ),
);
process.on('SIGTERM', () => {
  adapter.stop();
  clearInterval(watch);
});

let said = false;
const watch = setInterval(() => {
  if (adapter.serving !== said && adapter.serving) tell({ told: 'serving' });
  said = adapter.serving;
}, 20);
await adapter.start();
auth.offer(readFileSync(authFile));
