// SPDX-License-Identifier: AGPL-3.0-or-later
import type { AuthSource } from '../../../src/contracts/authfile/authfile.ts';
import type { OpenvpnProtocol } from '../../../src/contracts/plan/openvpn/server.ts';
import { systemClock } from '../../../src/core/clock/clock.ts';
import { RecordingJournal } from '../../../src/core/journal/journal.ts';
import { systemRandom } from '../../../src/core/random/random.ts';
import type { EndReason, UsageRecord } from '../../../src/core/sessions/session.ts';
import { type OriginLookup, UNKNOWN_ORIGIN } from '../../../src/gateway/geoip/origin.ts';
import { LiveSessions } from '../../../src/gateway/sessions/live.ts';
import { OpenvpnAdapter } from '../../../src/gateway/tunnels/openvpn/adapter.os.ts';

// The agent as far as OpenVPN needs it, with everything it heard and wrote, for tests and benchmarks.

/** Says which address bytes it was asked about, in place of data about countries. */
export class CountingOrigin implements OriginLookup {
  asked: { first: number; last: number; length: number } | undefined;
  readonly lengths = new Set<4 | 16>();

  of(bytes: Uint8Array, start: number, length: 4 | 16): typeof UNKNOWN_ORIGIN {
    this.lengths.add(length);
    this.asked = { first: bytes[start] as number, last: bytes[start + length - 1] as number, length };
    return { country: 'CH', isp: 'Example Net' };
  }
}

export class TestAgent {
  readonly used: UsageRecord[] = [];
  readonly journal = new RecordingJournal();
  readonly origin = new CountingOrigin();
  readonly sessions: LiveSessions;
  readonly adapter: OpenvpnAdapter;

  constructor(authority: { readonly auth: AuthSource }, path: string, protocol: OpenvpnProtocol = 'openvpn-tcp') {
    const { journal, origin } = this;
    const deps = { clock: systemClock, journal };
    this.sessions = new LiveSessions({ ...deps, random: systemRandom, used: (record) => this.used.push(record) });
    this.adapter = new OpenvpnAdapter({
      ...deps,
      protocol,
      path,
      origin,
      sessions: this.sessions,
      auth: authority.auth,
      retry: 50,
    });
  }

  /** Sessions that hold a seat. */
  get live(): number {
    return this.sessions.list().length;
  }
}

/** Ends every session, as the service does. */
export function endAll(sessions: LiveSessions, reason: EndReason): void {
  sessions.endThese(
    Array.from(sessions.list(), ({ session }) => session),
    reason,
  );
}
