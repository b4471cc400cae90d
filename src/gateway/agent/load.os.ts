// SPDX-License-Identifier: AGPL-3.0-or-later
import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isFleetToken } from '../../contracts/fleet/endpoints.ts';
import { type GatewayConfig, parseGatewayConfig } from '../../contracts/plan/agent-config.ts';
import { readRadiusSecret } from '../../contracts/plan/ikev2/secret.ts';
import { openOriginLookup } from '../geoip/lookup.ts';
import type { OriginLookup } from '../geoip/origin.ts';

/** All that the gateway reads from files, before it gives up the right to read them. */
export interface GatewayInputs {
  readonly config: GatewayConfig;
  /** PEM */
  readonly ca: string;
  readonly token: string;
  readonly authfileKey: KeyObject;
  readonly expectedKey: KeyObject;
  readonly origin: OriginLookup;
  readonly radiusSecret: Uint8Array;
}

/** One sentence for the operator. It names files and keys, and repeats nothing of what is in them. */
export interface LoadProblem {
  readonly problem: string;
}

class UnusableFileError extends Error {
  override readonly name = 'UnusableFileError';
}

/** Reads the configuration file and what it names; `secretFile` is the one shared with charon. */
export function loadGateway(configFile: string, secretFile: string): GatewayInputs | LoadProblem {
  try {
    const config = parseGatewayConfig(textOf(configFile));
    if ('problem' in config) return { problem: `${configFile}: ${config.problem}` };
    return {
      config,
      ca: certificateOf(config.caFile),
      token: tokenOf(config.tokenFile),
      authfileKey: publicKeyOf(config.authfileKey),
      expectedKey: publicKeyOf(config.expectedKey),
      origin: originOf(config.geoip),
      radiusSecret: radiusSecretOf(secretFile),
    };
  } catch (error) {
    if (error instanceof UnusableFileError) return { problem: error.message };
    throw error;
  }
}

function bytesOf(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch {
    throw new UnusableFileError(`${path}: cannot be read`);
  }
}

function textOf(path: string): string {
  return new TextDecoder().decode(bytesOf(path));
}

function certificateOf(path: string): string {
  const pem = textOf(path);
  try {
    if (new X509Certificate(pem).ca) return pem;
  } catch {
    throw new UnusableFileError(`${path}: not a certificate`);
  }
  throw new UnusableFileError(`${path}: not the certificate of an authority`);
}

function tokenOf(path: string): string {
  const token = textOf(path).trim();
  if (!isFleetToken(token)) throw new UnusableFileError(`${path}: not a token`);
  return token;
}

/** Raw Ed25519 public key in base64, as the configuration's schema has checked. */
function publicKeyOf(base64: string): KeyObject {
  const x = Uint8Array.fromBase64(base64).toBase64({ alphabet: 'base64url', omitPadding: true });
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}

function originOf({ country, networks }: GatewayConfig['geoip']): OriginLookup {
  const lookup = openOriginLookup({
    country: country === undefined ? undefined : bytesOf(country),
    networks: networks === undefined ? undefined : bytesOf(networks),
  });
  if ('of' in lookup) return lookup;
  throw new UnusableFileError(`geoip.${lookup.unreadable}: the file is not such a database`);
}

function radiusSecretOf(path: string): Uint8Array {
  const secret = readRadiusSecret(textOf(path));
  if (secret === undefined) throw new UnusableFileError(`${path}: not a RADIUS secret`);
  return secret;
}
