// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHash } from 'node:crypto';
import type { GatewayPlan } from '../../contracts/plan/plan.ts';
import type { PublicGateway } from '../fleet/location.ts';

/** What is the same for every customer and goes into profiles. */
export interface ProfileMaterial {
  /** The operator's name for the service. */
  readonly name: string;
  /** PEM of the authority that signs the gateways' certificates. */
  readonly caCertificate: string;
  /** OpenVPN static key file, the whole text. */
  readonly tlsCryptKey: string;
  readonly inside: Pick<GatewayPlan, 'service4' | 'service6' | 'heartbeatPort' | 'tunnels'>;
}

/** The customer's own VPN name and the password of one protocol, while they are on the screen anyway. */
export interface Login {
  readonly username: string;
  readonly password: string;
}

/** A file that a stock client imports. */
export interface Profile {
  /** Plain ASCII, safe in a header and in every file system. */
  readonly fileName: string;
  /** Without parameters: some clients compare it as a whole. */
  readonly contentType: string;
  readonly content: string;
}

/** A name that fits in one line of any file: no control characters, no lone surrogates. */
export function oneLine(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim();
}

/** The first label of a gateway's name: `zrh-01`. */
export function shortName(gateway: PublicGateway): string {
  return gateway.name.split('.', 1)[0] as string;
}

/** A file name's stem: ASCII letters, digits and dashes, at most `longest` characters, never empty. */
export function stem(text: string, longest: number): string {
  const plain = text
    .normalize('NFKD')
    .replaceAll(/\p{M}+/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, longest)
    .replaceAll(/^-+|-+$/g, '');
  return plain === '' ? 'vpn' : plain;
}

/** The DER bytes of the first certificate of a PEM text, as base64 without line breaks. */
export function certificateBase64(pem: string): string {
  const body = /-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----/.exec(pem)?.[1];
  if (body === undefined) throw new TypeError('the authority is not a PEM certificate');
  return body.replaceAll(/\s/g, '');
}

/**
 * A UUID that is always the same for the same parts, so that importing a newer profile replaces the older one
 * (RFC 9562, section 5.8: version 8).
 */
export function stableUuid(...parts: readonly string[]): string {
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest().subarray(0, 16);
  digest[6] = ((digest[6] as number) & 0x0f) | 0x80;
  digest[8] = ((digest[8] as number) & 0x3f) | 0x80;
  const hex = digest.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** The IKEv2 and ESP algorithms that every profile asks for, in strongSwan's words. Gateways accept them first. */
export const IKE_PROPOSAL = 'aes256gcm16-prfsha384-ecp384';
export const ESP_PROPOSAL = 'aes256gcm16-ecp384';
