// SPDX-License-Identifier: AGPL-3.0-or-later
import { z } from 'zod';
import { parseConfiguration } from '../../core/configuration/configuration.ts';
import { base64Key, word } from '../../core/configuration/words.ts';
import { INTERVALS_SCHEMA } from '../plan/agent-config.ts';
import { PLAN_SCHEMA } from '../plan/schema.ts';

const certificate = z
  .string()
  .max(8192)
  .regex(/^-----BEGIN CERTIFICATE-----\n(?:[0-9A-Za-z+/=]{1,64}\n)+-----END CERTIFICATE-----\n$/);
const tlsCrypt = z
  .string()
  .max(2048)
  .regex(/^-----BEGIN OpenVPN Static key V1-----\n(?:[0-9a-f]{32}\n){16}-----END OpenVPN Static key V1-----\n$/);

const PARAMETERS = z.strictObject({
  plan: PLAN_SCHEMA,
  controlUrl: z.url({ protocol: /^https$/ }).max(256),
  /** PEM: signs control's certificate. */
  controlAuthority: certificate,
  /** Bearer token for control. */
  token: z.string().regex(/^[0-9A-Za-z_-]{43}$/),
  tlsCryptKey: tlsCrypt,
  /** Raw Ed25519 public keys, base64: who signs auth files, and who signs expected configurations. */
  authfileKey: base64Key,
  expectedKey: base64Key,
  intervals: INTERVALS_SCHEMA.partial().optional(),
});

const BUNDLE = z.strictObject({
  ...PARAMETERS.shape,
  /** PEM: the authority that signs this gateway's certificates. Customers' profiles trust it. */
  caCertificate: certificate,
  /** The release that the machine was found to run. */
  release: word,
});

/** What an operator decides about a gateway, once and for all its boots. It holds secrets. */
export type BundleParameters = z.output<typeof PARAMETERS>;

/**
 * Everything that a gateway is handed once it has proven itself. Nothing of it can be run, and no key of it is unknown:
 * whatever the activator sends besides is refused, and the whole is measured before any of it is used.
 */
export type Bundle = z.output<typeof BUNDLE>;

/** What bundles are sealed for, besides the boot's key (HPKE's `info`). */
export const HANDOVER_INFO = new TextEncoder().encode('lethe handover v1');

export function parseParameters(text: string): BundleParameters | { readonly problem: string } {
  return parseConfiguration(PARAMETERS, text);
}

/** A problem names the key and its line, never a value. */
export function parseBundle(bytes: Uint8Array): Bundle | { readonly problem: string } {
  return parseConfiguration(BUNDLE, new TextDecoder().decode(bytes));
}

export function bundleBytes(parameters: BundleParameters, caCertificate: string, release: string): Uint8Array {
  const bundle: Bundle = { ...parameters, caCertificate, release };
  return new TextEncoder().encode(JSON.stringify(bundle));
}
