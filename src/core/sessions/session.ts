// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Entitlement, UsageTag } from '../licences/licence.ts';

/** Protocol ids as written in usage events. */
export const PROTOCOLS = ['openvpn-udp', 'openvpn-tcp', 'ikev2', 'wireguard'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** Where a session came from, as coarse as it is ever told: the address itself is gone before this exists. */
export interface Origin {
  /** ISO 3166-1 alpha-2, or `unknown`. */
  readonly country: string;
  /** The name of the autonomous system's holder, or `unknown`. */
  readonly isp: string;
}

/** A live session's random handle: 8 bytes as 16 lower-case hex digits. It dies with the session. */
export type SessionId = string & { readonly __unit: 'session' };

/** What is left of a session when it is over. No field of it can hold an address, a name or a time. */
export interface UsageRecord {
  readonly usageTag: UsageTag;
  readonly origin: Origin;
  readonly protocol: Protocol;
  readonly totalBytes: number;
}

/** `closing`: the gateway is about to end, and it is no fault of the customer's. */
export type Refusal = 'unknown' | 'expired' | 'seats' | 'closing';
export type EndReason = 'seats' | 'expired' | 'revoked' | 'silent' | 'shutdown';

/**
 * The live sessions of one gateway, in memory only. A tunnel asks it for admission, tells it about bytes and about the
 * end, and is told through `end` when a session must stop. It never sees an address, a name or a key.
 */
export interface Sessions {
  /** Asks for a seat. `end` is called at most once, when the service wants the session to stop. */
  admit(request: {
    readonly protocol: Protocol;
    readonly entitlement: Entitlement | undefined;
    readonly origin: Origin;
    readonly end: (reason: EndReason) => void;
  }): SessionId | Refusal;
  /** The tunnel carries packets now. Without this call, the end of the session leaves no usage event. */
  established(session: SessionId): void;
  /** Total bytes so far, in and out together. A smaller number than before is ignored. */
  progress(session: SessionId, totalBytes: number): void;
  /** The session is over. Idempotent. `resting` says that its device may only be asleep, and soon begin another. */
  ended(session: SessionId, totalBytes?: number, resting?: boolean): void;
}

const REFUSALS: readonly string[] = ['unknown', 'expired', 'seats', 'closing'] satisfies readonly Refusal[];

export function isRefusal(answer: SessionId | Refusal): answer is Refusal {
  return REFUSALS.includes(answer);
}
