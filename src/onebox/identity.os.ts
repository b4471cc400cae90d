// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { addressBytes } from '../bytes/text/address.ts';
import { type Authority, createAuthority, isConstrained, issueServerCertificate } from '../contracts/pki/authority.ts';
import { type KeyFile, makeGatewayKeys } from '../contracts/pki/gateway-keys.ts';
import {
  generateP256Key,
  generateRsaKey,
  openvpnStaticKey,
  privateKeyPem,
  publicKeyInfo,
  signerOf,
} from '../contracts/pki/keys.ts';
import type { GatewayPlan } from '../contracts/plan/plan.ts';
import type { Clock } from '../core/clock/clock.ts';
import type { Random } from '../core/random/random.ts';
import { replaceFile } from '../host/files/replace.os.ts';

/** What the service is known by: its keys and certificates, kept between runs, readable by root alone. */
export interface ServiceIdentity {
  /** PEM. Its key signs gateways' certificates and is given to no program. */
  readonly caCertificate: string;
  readonly tlsCryptKey: string;
  /** Ed25519, PEM: signs auth files, expected configurations and the list of locations. */
  readonly signingKey: string;
  /** 32 bytes, base64: keys the usernames' hashes in usage events. */
  readonly usageKey: string;
}

/** PEM: control's HTTPS for gateways. */
export interface FleetTls {
  /** Signed the certificate. */
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

export interface GatewayIdentity {
  /** The gateway's bearer token for control. */
  readonly token: string;
  readonly files: readonly KeyFile[];
  readonly wireguardPublicKey: string;
}

interface IdentityDeps {
  readonly clock: Clock;
  readonly random: Random;
}

/** Below it are the DNS names of gateways, and no others may be certified by the authority that customers trust. */
export const GATEWAY_DOMAIN = 'gateways.lethe.internal';

/** DNS name in the certificate of control's HTTPS for gateways. */
export const FLEET_NAME = 'control.lethe.internal';

/** Opens the identity in a directory, or makes one: at the first start, for ever after. */
export async function openIdentity(
  directory: string,
  serviceName: string,
  deps: IdentityDeps,
): Promise<ServiceIdentity> {
  const kept = readKept(directory, 'service') as ServiceIdentity | undefined;
  if (kept !== undefined) return await constrained(directory, kept, deps);
  const caKey = await generateRsaKey();
  const name = { commonName: authorityName(serviceName) };
  const authority = await customersAuthority(name, caKey, deps);
  const identity: ServiceIdentity = {
    caCertificate: authority.certificate,
    tlsCryptKey: openvpnStaticKey(deps.random),
    signingKey: privateKeyPem(generateKeyPairSync('ed25519').privateKey),
    usageKey: deps.random.bytes(32).toBase64(),
  };
  keep(directory, 'ca-key', { name, key: privateKeyPem(caKey) });
  keep(directory, 'service', identity);
  return identity;
}

function customersAuthority(name: Authority['name'], key: KeyObject, deps: IdentityDeps): Promise<Authority> {
  return createAuthority(deps, { name, key, signer: signerOf(key), permitted: [GATEWAY_DOMAIN] });
}

/** The service of an earlier version had an authority for every name: the same key gets a certificate for gateways'. */
async function constrained(directory: string, kept: ServiceIdentity, deps: IdentityDeps): Promise<ServiceIdentity> {
  if (isConstrained(kept.caCertificate)) return kept;
  const { name, key } = authorityKey(directory);
  const { certificate } = await customersAuthority(name, createPrivateKey(key), deps);
  const identity = { ...kept, caCertificate: certificate };
  keep(directory, 'service', identity);
  return identity;
}

/** What customers read where they are asked to trust it. */
function authorityName(serviceName: string): string {
  return /\bVPN$/i.test(serviceName) ? `${serviceName} CA` : `${serviceName} VPN CA`;
}

/**
 * A certificate for control's HTTPS, new at each start, for the addresses where gateways reach it. Its authority is the
 * fleet's own: what customers trust says nothing about control, and the reverse.
 */
export async function issueFleetTls(
  directory: string,
  addresses: readonly string[],
  deps: IdentityDeps,
): Promise<FleetTls> {
  const key = await generateP256Key();
  const authority = await fleetAuthority(directory, deps);
  const certificate = await issueServerCertificate(deps, authority, {
    name: FLEET_NAME,
    addresses: addresses.map(addressBytes),
    key,
  });
  return { authority: authority.certificate, certificate, key: privateKeyPem(key) };
}

async function fleetAuthority(directory: string, deps: IdentityDeps): Promise<Authority> {
  const kept = readKept(directory, 'fleet-ca') as { certificate: string; key: string } | undefined;
  const name = { commonName: 'Lethe fleet' };
  const key = kept === undefined ? await generateP256Key() : createPrivateKey(kept.key);
  const signer = signerOf(key);
  if (kept !== undefined) return { name, certificate: kept.certificate, publicKey: publicKeyInfo(key), signer };
  const made = await createAuthority(deps, { name, key, signer, permitted: [FLEET_NAME] });
  keep(directory, 'fleet-ca', { certificate: made.certificate, key: privateKeyPem(key) });
  return made;
}

/** Opens the keys of one gateway, or makes them: new whenever what its certificate says has changed. */
export async function openGatewayIdentity(
  directory: string,
  identity: ServiceIdentity,
  plan: GatewayPlan,
  deps: IdentityDeps,
): Promise<GatewayIdentity> {
  const subject = JSON.stringify([identity.caCertificate, plan.name, plan.address4, plan.address6 ?? '']);
  const name = `gateway-${plan.gateway}-${createHash('sha256').update(subject).digest('hex').slice(0, 16)}`;
  const kept = readKept(directory, name) as GatewayIdentity | undefined;
  if (kept !== undefined) return kept;
  const keys = await makeGatewayKeys(deps, authorityIn(directory, identity), plan, identity.tlsCryptKey);
  const made: GatewayIdentity = { ...keys, token: Buffer.from(deps.random.bytes(32)).toString('base64url') };
  keep(directory, name, made);
  return made;
}

/** 32 bytes, base64, of the Ed25519 key that gateways check signatures with. */
export function signingPublicKey(identity: ServiceIdentity): string {
  const { x } = createPublicKey(createPrivateKey(identity.signingKey)).export({ format: 'jwk' }) as { x: string };
  return Buffer.from(x, 'base64url').toString('base64');
}

/** The authority that signs gateways' certificates, with its key in PEM. */
export function authorityKey(directory: string): { readonly name: Authority['name']; readonly key: string } {
  const kept = readKept(directory, 'ca-key') as { name: Authority['name']; key: string } | undefined;
  if (kept === undefined) throw new Error("the key of the service's authority is gone from its directory");
  return kept;
}

function authorityIn(directory: string, identity: ServiceIdentity): Authority {
  const kept = authorityKey(directory);
  const key: KeyObject = createPrivateKey(kept.key);
  return { name: kept.name, certificate: identity.caCertificate, publicKey: publicKeyInfo(key), signer: signerOf(key) };
}

function readKept(directory: string, name: string): unknown {
  const path = join(directory, `${name}.json`);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

function keep(directory: string, name: string, content: object): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  replaceFile(join(directory, `${name}.json`), JSON.stringify(content), { mode: 0o600 });
}
