// SPDX-License-Identifier: AGPL-3.0-or-later
import { z } from 'zod';
import { type ConfigurationProblem, parseConfiguration } from '../../core/configuration/configuration.ts';

const path = z.string().regex(/^\//, 'must be an absolute path');
const word = z
  .string()
  .max(64)
  .regex(/^[a-z0-9][a-z0-9._-]*$/, 'must be lower-case letters, digits, dots and dashes');
const country = z.string().regex(/^[A-Z]{2}$/, 'must be two capital letters');
const listen = z.strictObject({
  /** Address to listen on; never a name. */
  address: z.union([z.ipv4(), z.ipv6()]),
  /** 0 takes any free port; the ready line says which. */
  port: z.int().min(0).max(65_535),
});

const gateway = z.strictObject({
  gateway: word,
  location: word,
  /** DNS name in its certificate. */
  name: z.string().min(1).max(120),
  address4: z.ipv4(),
  address6: z.ipv6().optional(),
  /** Interface that leads to the Internet. */
  uplink: word.max(15),
  forwarders: z.union([z.literal('root'), z.array(z.union([z.ipv4(), z.ipv6()])).min(1)]).default('root'),
  esp: z.enum(['kernel', 'libipsec']).default('kernel'),
  /** SHA-256 of the gateway's bearer token, in hex. */
  tokenHash: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits'),
  wireguardKey: z.string().regex(/^[0-9A-Za-z+/]{43}=$/, 'must be a WireGuard public key'),
});

const fleet = z.strictObject({
  listen,
  /** PEM files for the HTTPS that gateways use. */
  certificate: path,
  key: path,
  locations: z.array(z.strictObject({ id: word, name: z.string().min(1).max(120), country })).min(1),
  gateways: z.array(gateway).min(1),
});

const SCHEMA = z.strictObject({
  /** The operator's name for the service. */
  name: z.string().min(1).max(60),
  /** Directory of the database's Unix socket; or `postgresql://…` of a server elsewhere (version 15 or later). */
  database: z.union([path, z.url({ protocol: /^postgres(ql)?$/ })]),
  /** Where portal and API listen. Plain HTTP: put a proxy that ends TLS in front, and never one that keeps logs. */
  listen,
  /** `https://vpn.example`, as browsers see it, when a proxy is in front. */
  publicOrigin: z.url({ protocol: /^https?$/ }).optional(),
  /** Whom the program becomes before it opens a port. */
  user: z.strictObject({ uid: z.int().min(1), gid: z.int().min(1) }).optional(),
  /** PEM file of the authority that signs the gateways' certificates. Its key is not here. */
  caCertificate: path,
  /** OpenVPN static key file that goes into profiles. */
  tlsCryptKey: path,
  keys: z.strictObject({
    /** PEM files of Ed25519 keys: they sign auth files, expected configurations and the list of locations. */
    authfile: path,
    expected: path,
    locations: path,
    /** File of 32 bytes in base64: makes the tags of usage events. */
    usage: path,
  }),
  /** What a new account gets. */
  licence: z
    .strictObject({
      days: z.int().min(0).max(3660).default(30),
      seats: z.int().min(1).max(255).default(5),
    })
    .prefault({}),
  /** Without it, portal and API run alone. */
  fleet: fleet.optional(),
});

/** What the control program is told when it starts. Secrets stay in the files that it names. */
export type ControlConfig = z.output<typeof SCHEMA>;

/** What stands in the file: as {@link ControlConfig}, but with defaults left out. */
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
