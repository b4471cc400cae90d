// SPDX-License-Identifier: AGPL-3.0-or-later
import { z } from 'zod';
import { CHOICE_SCHEMA } from '../../contracts/plan/schema.ts';
import { type ConfigurationProblem, parseConfiguration } from '../../core/configuration/configuration.ts';
import {
  absolutePath,
  base64Key,
  country,
  hex32,
  hostName,
  listen,
  user,
  word,
} from '../../core/configuration/words.ts';
import { MOST_ACCOUNTS, USUAL_ACCOUNTS } from '../accounts/room.ts';

/** For what writes the configuration. */
export { MOST_ACCOUNTS, USUAL_ACCOUNTS };

const gateway = CHOICE_SCHEMA.extend({
  /** The inventory allows no longer one in the list of locations. */
  name: hostName.max(120),
  /** SHA-256 of the gateway's bearer token, in hex. */
  tokenHash: hex32,
  wireguardKey: base64Key,
});

const fleet = z.strictObject({
  listen,
  /** PEM files for the HTTPS that gateways use. */
  certificate: absolutePath,
  key: absolutePath,
  /** Text file of the names that a network's holder may have in usage events, one a line. Without it, names are held to letters. */
  networkNames: absolutePath.optional(),
  locations: z.array(z.strictObject({ id: word, name: z.string().min(1).max(120), country })).min(1),
  gateways: z.array(gateway).min(1),
});

const SCHEMA = z.strictObject({
  /** The operator's name for the service. */
  name: z.string().min(1).max(60),
  /** Directory of the database's Unix socket; or `postgresql://…` of a server elsewhere (version 15 or later). */
  database: z.union([absolutePath, z.url({ protocol: /^postgres(ql)?$/ })]),
  /** Where portal and API listen. Plain HTTP: put a proxy that ends TLS in front, and never one that keeps logs. */
  listen,
  /** `https://vpn.example`, as browsers see it, when a proxy is in front. */
  publicOrigin: z.url({ protocol: /^https?$/ }).optional(),
  /** Whom the program becomes before it opens a port. */
  user: user.optional(),
  /** PEM file of the authority that signs the gateways' certificates. Its key is not here. */
  caCertificate: absolutePath,
  /** OpenVPN static key file that goes into profiles. */
  tlsCryptKey: absolutePath,
  keys: z.strictObject({
    /** PEM files of Ed25519 keys: they sign auth files, expected configurations and the list of locations. */
    authfile: absolutePath,
    expected: absolutePath,
    locations: absolutePath,
    /** File of 32 bytes in base64: makes the tags of usage events. */
    usage: absolutePath,
  }),
  /** What a new account gets. */
  licence: z
    .strictObject({
      days: z.int().min(0).max(3660).default(30),
      seats: z.int().min(1).max(255).default(5),
    })
    .prefault({}),
  /** Accounts that there may be at one time, with those that have ended and are not deleted yet. Beyond it sign-up is refused. */
  mostAccounts: z.int().min(1).max(MOST_ACCOUNTS).default(USUAL_ACCOUNTS),
  /** What the pages say about the service. They say of the rest that the operator has not said it. */
  about: z
    .strictObject({
      /** Who runs it, and where: `Nordlicht GmbH, Vienna`. */
      operator: z.string().min(1).max(120).optional(),
      /** What it costs after the first days: `5 EUR a month`. */
      price: z.string().min(1).max(120).optional(),
      /** Where customers write to: `mailto:help@vpn.example` or `https://…`. */
      contact: z
        .url({ protocol: /^(https|mailto)$/ })
        .max(200)
        .optional(),
    })
    .prefault({}),
  /** Where the source of what runs can be had. Without it, the portal hands it out itself. */
  sourceUrl: z
    .url({ protocol: /^https?$/ })
    .max(200)
    .optional(),
  /** Without it, portal and API run alone. */
  fleet: fleet.optional(),
});

/** What the control program is told when it starts. Secrets stay in the files that it names. */
export type ControlConfig = z.output<typeof SCHEMA>;

/** The content of the file: as {@link ControlConfig}, but with defaults left out. */
export type ControlConfigFile = z.input<typeof SCHEMA>;

/** Reads the text of a configuration file. A problem names the key and its line, never a value. */
export function parseControlConfig(text: string): ControlConfig | ConfigurationProblem {
  const config = parseConfiguration(SCHEMA, text);
  if ('problem' in config) return config;
  const locations = new Set(config.fleet?.locations.map((location) => location.id));
  const gateways = config.fleet?.gateways ?? [];
  if (gateways.some((gateway) => !locations.has(gateway.location))) {
    return { problem: 'fleet.gateways: a gateway is in a location that fleet.locations does not have' };
  }
  if (new Set(gateways.map((gateway) => gateway.gateway)).size < gateways.length) {
    return { problem: 'fleet.gateways: two gateways have the same name' };
  }
  return config;
}
