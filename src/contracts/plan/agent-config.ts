// SPDX-License-Identifier: AGPL-3.0-or-later
import { z } from 'zod';
import { parseConfiguration } from '../../core/configuration/configuration.ts';
import { absolutePath, base64Key, user, word } from '../../core/configuration/words.ts';
import { type GatewayPlan, IDLE_AFTER } from './plan.ts';
import { PLAN_SCHEMA } from './schema.ts';

/** What the gateway program is told when it starts. It is public but for the files it names. */
export interface GatewayConfig {
  readonly plan: GatewayPlan;
  /** `https://control.example:8443` */
  readonly controlUrl: string;
  /** PEM file with the one authority that may have signed control's certificate. */
  readonly caFile: string;
  /** File that holds this gateway's bearer token for control. */
  readonly tokenFile: string;
  /** Raw Ed25519 public keys, base64: who signs auth files, and who signs expected configurations. */
  readonly authfileKey: string;
  readonly expectedKey: string;
  /** MMDB file of countries; MMDB file or compiled table of networks' holders. Without one, all is `unknown`. */
  readonly geoip: { readonly country?: string | undefined; readonly networks?: string | undefined };
  readonly intervals: Intervals;
  /** Whom the program becomes before it opens a socket. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
  /** Version of the software, as the status reports it. */
  readonly release: string;
}

/** Milliseconds. */
export interface Intervals {
  /**
   * Longest time between fetches of the auth file and the expected configuration; each wait is off by up to a fifth. It
   * is much shorter while control answers as soon as there is a newer auth file.
   */
  readonly fetch: number;
  readonly beats: number;
  readonly status: number;
  /** Between ticks of the outbox; the first comes after a random part of it. */
  readonly outbox: number;
  /** Between looks at silence and expiry. */
  readonly sweep: number;
  /** Without a handshake, after which a WireGuard client counts as gone. A client that is there makes one every 120 s. */
  readonly wireguardIdle: number;
  /** After which a WireGuard client that fell idle has left, and is not only asleep: what it used becomes an event. */
  readonly wireguardRest: number;
}

export const INTERVALS: Intervals = {
  fetch: 30_000,
  beats: 20_000,
  status: 60_000,
  outbox: 900_000,
  sweep: 30_000,
  wireguardIdle: IDLE_AFTER,
  wireguardRest: 7_200_000,
};

const milliseconds = z.int().min(10).max(86_400_000);
/** {@link Intervals}; each may be left out. */
export const INTERVALS_SCHEMA = z.strictObject({
  fetch: milliseconds.default(INTERVALS.fetch),
  beats: milliseconds.default(INTERVALS.beats),
  status: milliseconds.default(INTERVALS.status),
  outbox: milliseconds.default(INTERVALS.outbox),
  sweep: milliseconds.default(INTERVALS.sweep),
  wireguardIdle: milliseconds.default(INTERVALS.wireguardIdle),
  wireguardRest: milliseconds.default(INTERVALS.wireguardRest),
});

const SCHEMA = z.strictObject({
  plan: PLAN_SCHEMA.transform((value): GatewayPlan => ({ ...value, address6: value.address6 })),
  controlUrl: z.url({ protocol: /^https$/ }),
  caFile: absolutePath,
  tokenFile: absolutePath,
  authfileKey: base64Key,
  expectedKey: base64Key,
  geoip: z.strictObject({ country: absolutePath.optional(), networks: absolutePath.optional() }),
  intervals: INTERVALS_SCHEMA.prefault({}),
  user: user.optional(),
  release: word,
});

/** The content of the file: as {@link GatewayConfig}, but intervals may be left out, each or all. */
export type GatewayConfigFile = z.input<typeof SCHEMA>;

/** Reads the text of a configuration file. A problem names the key and its line, never a value. */
export function parseGatewayConfig(text: string): GatewayConfig | { readonly problem: string } {
  return parseConfiguration(SCHEMA, text);
}
