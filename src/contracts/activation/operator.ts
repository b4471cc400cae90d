// SPDX-License-Identifier: AGPL-3.0-or-later
import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { type ConfigurationProblem, parseConfiguration } from '../../core/configuration/configuration.ts';

/**
 * What an operator puts into the image, which is measured with it: public facts that the machine must be able to prove, so
 * nothing secret. The gateway asks this activator for its secrets, and trusts no other.
 */
const OPERATOR = z.strictObject({
  /** `https://HOST:PORT` */
  activator: z.string().regex(/^https:\/\/[A-Za-z0-9.:[\]-]{1,255}$/, 'must be https://HOST:PORT'),
  /** PEM of the authority that issued the activator's certificate; one certificate and nothing beside it. */
  authority: z.string().max(16_384).refine(isCertificate, 'must be a certificate in PEM'),
});

export type Operator = z.infer<typeof OPERATOR>;

export function parseOperator(text: string): Operator | ConfigurationProblem {
  return parseConfiguration(OPERATOR, text);
}

function isCertificate(text: string): boolean {
  if (!/^-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+\n-----END CERTIFICATE-----\n?$/.test(text)) return false;
  try {
    return new X509Certificate(text).ca;
  } catch {
    return false;
  }
}

/** The one way it is written, so that equal operators make equal images. */
export function formatOperator({ activator, authority }: Operator): string {
  return `${JSON.stringify({ activator, authority }, undefined, 2)}\n`;
}
