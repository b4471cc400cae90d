// SPDX-License-Identifier: AGPL-3.0-or-later
import type { EndReason, Refusal, SessionId, Sessions } from '../../../src/core/sessions/session.ts';

/** The sessions of a gateway as a tunnel sees them: each is admitted unless the test refuses, and all that is told is kept. */
export class RecordingSessions implements Sessions {
  /** In order: `admit`, `s1 established`, `s1 500` (bytes so far), `s1 ended 900`. */
  readonly calls: string[] = [];
  /** Ends the session with that number, less one, as the service would. */
  readonly ends: ((reason: EndReason) => void)[] = [];
  /** The answer to everybody who asks for a seat. */
  refusal: Refusal | undefined;

  admit({ end }: Parameters<Sessions['admit']>[0]): SessionId | Refusal {
    this.calls.push('admit');
    if (this.refusal !== undefined) return this.refusal;
    this.ends.push(end);
    return `s${this.ends.length}` as SessionId;
  }

  established(session: SessionId): void {
    this.calls.push(`${session} established`);
  }

  progress(session: SessionId, totalBytes: number): void {
    this.calls.push(`${session} ${totalBytes}`);
  }

  ended(session: SessionId, totalBytes?: number): void {
    this.calls.push(`${session} ended ${totalBytes}`);
  }
}
