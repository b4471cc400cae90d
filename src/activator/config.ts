// SPDX-License-Identifier: AGPL-3.0-or-later
import { z } from 'zod';
import { type ConfigurationProblem, parseConfiguration } from '../core/configuration/configuration.ts';
import { absolutePath, address, hostName, listen, user } from '../core/configuration/words.ts';

const SCHEMA = z.strictObject({
  listen,
  /** Where machines reach it: a DNS name, and addresses. Its certificate holds them. */
  name: hostName,
  addresses: z.array(address).default([]),
  /** Its own: it holds keys and store, readable for it alone. */
  directory: absolutePath,
  /** Which TPMs and which releases are accepted; read anew for each request. */
  policy: absolutePath,
  /** Below this DNS name are the names of all gateways: needed for an authority of its own, which certifies no other. */
  gatewayDomain: hostName.optional(),
  /** PEM files of the authority that signs gateways' certificates. Without it, the activator makes one of its own. */
  issuer: z.strictObject({ certificate: absolutePath, key: absolutePath }).optional(),
  /** Whom the program becomes before it opens a port. */
  user: user.optional(),
});

/** What the activator is told when it starts. Secrets stay in the files that it names. */
export type ActivatorConfig = z.output<typeof SCHEMA>;

/** The content of the file. */
export type ActivatorConfigFile = z.input<typeof SCHEMA>;

/** Reads the text of a configuration file. A problem names the key and its line, never a value. */
export function parseActivatorConfig(text: string): ActivatorConfig | ConfigurationProblem {
  const config = parseConfiguration(SCHEMA, text);
  if ('problem' in config || config.issuer !== undefined || config.gatewayDomain !== undefined) return config;
  return { problem: 'gatewayDomain: say below which name the gateways are, or name an issuer' };
}
