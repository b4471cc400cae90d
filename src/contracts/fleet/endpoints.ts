// SPDX-License-Identifier: AGPL-3.0-or-later

/** What a gateway may ask control for. Each answer has an `etag`, and is sent again only when that has changed. */
export const FLEET_DOCUMENTS = {
  /** The sealed auth file; signed inside. */
  authfile: '/fleet/v1/authfile',
  /** The expected configuration of the gateway that asks; its signature is in {@link SIGNATURE_HEADER}. */
  expected: '/fleet/v1/expected',
} as const;

/** Where a gateway posts each kind of message. */
export const FLEET_PATHS = {
  beats: '/fleet/v1/beats',
  usage: '/fleet/v1/usage',
  status: '/fleet/v1/status',
} as const;

/** Carries the signature of a document, base64. */
export const SIGNATURE_HEADER = 'lethe-signature';

/**
 * A gateway that has the newest auth file may ask to be answered when there is a newer one: `prefer: wait=SECONDS`
 * (RFC 7240 section 4.3). So who has just signed up is let in at once. Control waits no longer than this, in seconds.
 */
export const LONGEST_WAIT = 15;

export function waitPreference(seconds: number): { readonly prefer: string } {
  return { prefer: `wait=${seconds}` };
}

/** The seconds of such a header, at most {@link LONGEST_WAIT}; 0 for none. Hostile input: any text, or no header at all. */
export function waitOf(prefer: string | undefined): number {
  const seconds = /^wait=(\d{1,6})$/.exec(prefer ?? '')?.[1];
  return Math.min(Number(seconds ?? 0), LONGEST_WAIT);
}

/** The longest message that control reads, in bytes: the beats of a hundred thousand sessions. */
export const LONGEST_MESSAGE = 8 * 1024 * 1024;

const TOKEN = '[0-9A-Za-z_+/=-]{32,128}';
const WHOLE_TOKEN = new RegExp(`^${TOKEN}$`);
const AUTHORIZATION = new RegExp(`^Bearer (${TOKEN})$`, 'i');

/** Whether a text can be the token by which control knows a gateway. */
export function isFleetToken(text: string): boolean {
  return WHOLE_TOKEN.test(text);
}

/** The `authorization` header of a gateway's requests. */
export function fleetAuthorization(token: string): string {
  return `Bearer ${token}`;
}

/** The token of such a header. Hostile input: any text, or no header at all. */
export function fleetTokenOf(authorization: string | undefined): string | undefined {
  return AUTHORIZATION.exec(authorization ?? '')?.[1];
}
