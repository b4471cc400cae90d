// SPDX-License-Identifier: AGPL-3.0-or-later
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { x25519PrivateKey, x25519PublicBytes } from '../../bytes/formats/hpke.ts';
import { generateRsaKey, generateWireguardKeys, privateKeyPem, publicKeyInfo } from '../../contracts/pki/keys.ts';
import { parseConfiguration } from '../../core/configuration/configuration.ts';
import { hex32 } from '../../core/configuration/words.ts';
import type { Random } from '../../core/random/random.ts';
import { replaceFile } from '../../host/files/replace.os.ts';
import type { BootKeys } from '../../verify/attestation/evidence.ts';

/** Keys that a machine makes for one boot, with their private halves. */
export interface FreshKeys {
  readonly server: KeyObject;
  /** Base64, as `wg` reads it. */
  readonly wireguard: string;
  /** X25519, 32 bytes: opens the secrets, and is thrown away with that. */
  readonly handover: Uint8Array;
  readonly published: BootKeys;
}

const FRESH = z.strictObject({
  server: z.string(),
  wireguard: z.strictObject({ privateKey: z.string(), publicKey: z.string() }),
  handover: hex32,
});
const PUBLISHED = z.strictObject({ wireguard: z.string(), handover: z.string() });

const FILES = { fresh: 'fresh.json', published: 'published.json' } as const;

/**
 * The keys of this boot, made when they are not there yet. RSA-4096 takes seconds to make, on an emulated machine many:
 * a call early in the boot saves them later. `directory` is there, in memory, and
 * no other user may enter it.
 */
export async function freshKeys(directory: string, random: Random): Promise<FreshKeys> {
  const path = join(directory, FILES.fresh);
  if (!existsSync(path)) {
    const [server, wireguard] = await Promise.all([generateRsaKey(), generateWireguardKeys()]);
    const made = { server: privateKeyPem(server), wireguard, handover: random.bytes(32).toHex() };
    replaceFile(path, JSON.stringify(made), { mode: 0o600 });
  }
  const kept = parseConfiguration(FRESH, readFileSync(path, 'utf8'));
  if ('problem' in kept) throw new Error(`${path}: ${kept.problem}`);
  const server = createPrivateKey(kept.server);
  const handover = Uint8Array.fromHex(kept.handover);
  const published: BootKeys = {
    server: new Uint8Array(publicKeyInfo(server)),
    wireguard: Uint8Array.fromBase64(kept.wireguard.publicKey),
    handover: x25519PublicBytes(x25519PrivateKey(handover)),
  };
  return { server, wireguard: kept.wireguard.privateKey, handover, published };
}

/** Forgets the private halves, which are where their users read them; keeps what a renewal has to name. */
export function retireFreshKeys(directory: string, { published }: FreshKeys): void {
  const kept = { wireguard: published.wireguard.toBase64(), handover: published.handover.toBase64() };
  replaceFile(join(directory, FILES.published), JSON.stringify(kept), { mode: 0o600 });
  rmSync(join(directory, FILES.fresh));
}

/** The public keys of this boot, once it was activated. */
export function publishedKeys(directory: string, server: KeyObject): BootKeys {
  const path = join(directory, FILES.published);
  const kept = parseConfiguration(PUBLISHED, readFileSync(path, 'utf8'));
  if ('problem' in kept) throw new Error(`${path}: ${kept.problem}`);
  return {
    server: new Uint8Array(publicKeyInfo(server)),
    wireguard: Uint8Array.fromBase64(kept.wireguard),
    handover: Uint8Array.fromBase64(kept.handover),
  };
}
