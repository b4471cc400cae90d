// SPDX-License-Identifier: AGPL-3.0-or-later
import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { sha256 } from '../bytes/formats/fingerprint.ts';
import { type BundleParameters, parseParameters } from '../contracts/activation/bundle.ts';
import { sealParameters } from '../contracts/activation/parameters.ts';
import { INTERVALS_SCHEMA } from '../contracts/plan/agent-config.ts';
import { planGateway } from '../contracts/plan/plan.ts';
import { parseConfiguration } from '../core/configuration/configuration.ts';
import { absolutePath, address } from '../core/configuration/words.ts';
import type { Random } from '../core/random/random.ts';
import type { Firmware } from '../verify/attestation/judge.ts';
import type { ActivatorStore } from './activator.store.ts';

const CHOICE = z.strictObject({
  location: z.string(),
  /** DNS name in its certificate. */
  name: z.string(),
  address4: z.ipv4(),
  address6: z.ipv6().optional(),
  forwarders: z.union([z.literal('root'), z.array(address).min(1)]).optional(),
  controlUrl: z.url({ protocol: /^https$/ }),
  /** Paths of public files in PEM: who signs control's certificate; OpenVPN's static key, which profiles hold too. */
  controlAuthority: absolutePath,
  tlsCryptKey: absolutePath,
  /** Raw Ed25519 public keys, base64. */
  authfileKey: z.string(),
  expectedKey: z.string(),
  intervals: INTERVALS_SCHEMA.partial().optional(),
});

/** What an operator decides about a gateway: a file without secrets but for OpenVPN's static key, which it names. */
export type GatewayChoiceFile = z.input<typeof CHOICE>;

export interface Problem {
  readonly problem: string;
}

/** The TPM of a machine: its certificate, or only the hash that an operator has read out. */
export interface Endorsement {
  readonly certificate: Uint8Array;
  readonly identity: Uint8Array | undefined;
}

export interface Enrolment {
  readonly gateway: string;
  readonly endorsement: Endorsement;
  /** Everything that the gateway is given but the token, which is made here. */
  readonly parameters: Omit<BundleParameters, 'token'>;
  /** Undefined: as the machine shows when it is first accepted. */
  readonly firmware?: Firmware;
}

/** Reads the file; `read` gives the text of a file that it names. */
export function readChoice(
  gateway: string,
  text: string,
  read: (path: string) => string,
): Omit<BundleParameters, 'token'> | Problem {
  const choice = parseConfiguration(CHOICE, text);
  if ('problem' in choice) return choice;
  const { location, name, address4, address6, forwarders, controlUrl, authfileKey, expectedKey, intervals } = choice;
  const plan = planGateway({
    gateway,
    location,
    name,
    address4,
    address6,
    uplink: 'eth0',
    esp: 'kernel',
    ...(forwarders === undefined ? {} : { forwarders }),
  });
  return {
    plan,
    controlUrl,
    controlAuthority: read(choice.controlAuthority),
    tlsCryptKey: read(choice.tlsCryptKey),
    authfileKey,
    expectedKey,
    ...(intervals === undefined ? {} : { intervals }),
  };
}

/**
 * Registers a machine. Gives the SHA-256 of the bearer token that its gateway will have, in hex, for control's
 * configuration; the token itself is shown to no one.
 */
export function enrol(
  { gateway, endorsement, parameters, firmware }: Enrolment,
  deps: { readonly store: ActivatorStore; readonly random: Random; readonly recipient: Uint8Array },
): { readonly tokenHash: string } | Problem {
  const token = deps.random.bytes(32).toBase64({ alphabet: 'base64url', omitPadding: true });
  const complete = parseParameters(JSON.stringify({ ...parameters, token }));
  if ('problem' in complete) return { problem: complete.problem.replace(/^line \d+: /, '') };
  const sealed = sealParameters(deps.recipient, complete, deps.random);
  if (!deps.store.enrol({ gateway, ...endorsement, parameters: sealed, firmware }))
    return { problem: `${gateway}, or a gateway with this TPM, is enrolled already` };
  return { tokenHash: sha256(token).toHex() };
}

/** A certificate in PEM or DER. */
export function endorsementOf(file: Uint8Array): Endorsement | Problem {
  try {
    const certificate = new X509Certificate(file);
    const key = certificate.publicKey.export({ type: 'spki', format: 'der' });
    return { certificate: sha256(certificate.raw), identity: sha256(key) };
  } catch {
    return { problem: 'the file is not a certificate' };
  }
}

/** The SHA-256 of a certificate in hex, with or without colons, as openssl(1) prints it. */
export function endorsementOfHash(text: string): Endorsement | Problem {
  const digits = text.replaceAll(':', '').toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(digits)) return { problem: 'a hash is 64 hexadecimal digits' };
  return { certificate: Uint8Array.fromHex(digits), identity: undefined };
}
