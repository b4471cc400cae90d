// SPDX-License-Identifier: AGPL-3.0-or-later
import { z } from 'zod';
import { type ConfigurationProblem, parseConfiguration } from '../core/configuration/configuration.ts';

const path = z.string().regex(/^\//, 'must be an absolute path');

const SCHEMA = z.strictObject({
  listen: z.strictObject({
    /** Address to listen on; never a name. */
    address: z.union([z.ipv4(), z.ipv6()]),
    /** 0 takes any free port; the ready line says which. */
    port: z.int().min(0).max(65_535),
  }),
  /** Where machines reach it: a DNS name, and addresses. They stand in its certificate. */
  name: z
    .string()
    .max(253)
    .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)*$/, 'must be a DNS name'),
  addresses: z.array(z.union([z.ipv4(), z.ipv6()])).default([]),
  /** Its own: keys and store lie here, readable for it alone. */
  directory: path,
  /** Which TPMs and which releases are believed; read anew for each request. */
  policy: path,
  /** PEM files of the authority that signs gateways' certificates. Without it, the activator makes one of its own. */
  issuer: z.strictObject({ certificate: path, key: path }).optional(),
  /** Whom the program becomes before it opens a port. */
  user: z.strictObject({ uid: z.int().min(1), gid: z.int().min(1) }).optional(),
});

/** What the activator is told when it starts. Secrets stay in the files that it names. */
export type ActivatorConfig = z.output<typeof SCHEMA>;

/** What stands in the file. */
export type ActivatorConfigFile = z.input<typeof SCHEMA>;

/** Reads the text of a configuration file. A problem names the key and its line, never a value. */
export function parseActivatorConfig(text: string): ActivatorConfig | ConfigurationProblem {
  return parseConfiguration(SCHEMA, text);
}
