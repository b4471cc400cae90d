// SPDX-License-Identifier: AGPL-3.0-or-later
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { parseIsoDate } from '../core/clock/clock.ts';
import { parseConfiguration } from '../core/configuration/configuration.ts';
import { absolutePath, hex32 } from '../core/configuration/words.ts';
import type { TpmTrust } from '../verify/attestation/endorsement.ts';
import { parseVersion, type ReleasePolicy } from '../verify/attestation/policy.ts';

const DAY = 86_400_000;

const pcr = hex32.transform((text) => Uint8Array.fromHex(text));
const version = z.string().transform((text, context) => {
  const parsed = parseVersion(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom' });
  return z.NEVER;
});
/** `2026-11-24`: milliseconds since the Unix epoch, at its beginning. */
const day = z.string().transform((text, context) => {
  const parsed = parseIsoDate(text);
  if (parsed !== undefined) return parsed * DAY;
  context.addIssue({ code: 'custom' });
  return z.NEVER;
});

const release = z.strictObject({
  version,
  /** What the release's PCRs hold, in hex. They are published with it. */
  pcrs: z.strictObject({ 4: pcr, 7: pcr, 9: pcr, 11: pcr }),
  /** Days, in UTC: from the beginning of the first to the beginning of the second. */
  notBefore: day,
  notAfter: day,
  revoked: z.boolean().default(false),
});

const SCHEMA = z.strictObject({
  tpms: z.strictObject({
    /** PEM files, each with any number of certificates: makers of TPMs that are trusted, and authorities below them. */
    roots: absolutePath,
    intermediates: absolutePath.optional(),
  }),
  minimumVersion: version,
  releases: z.array(release),
});

/** The content of the policy file. */
export type PolicyFile = z.input<typeof SCHEMA>;

/** Which TPMs and releases the activator accepts. */
export interface Policy {
  readonly trust: TpmTrust;
  readonly releases: ReleasePolicy;
}

/** A problem names the key and its line, never a value. */
export function parsePolicy(text: string): z.output<typeof SCHEMA> | { readonly problem: string } {
  return parseConfiguration(SCHEMA, text);
}

/** Reads the policy. It is read for each request, so that a release that is revoked is revoked at once. */
export function readPolicy(file: string): Policy | { readonly problem: string } {
  try {
    const parsed = parsePolicy(readFileSync(file, 'utf8'));
    if ('problem' in parsed) return parsed;
    const { tpms, minimumVersion, releases } = parsed;
    return {
      trust: {
        roots: certificatesIn(tpms.roots),
        intermediates: tpms.intermediates === undefined ? [] : certificatesIn(tpms.intermediates),
      },
      releases: { releases, minimum: minimumVersion },
    };
  } catch {
    return { problem: 'the policy, or a file that it names, cannot be read' };
  }
}

function certificatesIn(file: string): X509Certificate[] {
  const blocks = readFileSync(file, 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  return (blocks ?? []).map((pem) => new X509Certificate(pem));
}
