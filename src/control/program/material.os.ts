// SPDX-License-Identifier: AGPL-3.0-or-later
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type MinisignKey, minisignKey } from '../../bytes/formats/minisign.ts';
import { type UsageKey, usageKey } from '../usage/tag.ts';
import type { ControlConfig } from './config.ts';

/** The contents of the files that a configuration names. Read while we may still read them. */
export interface Material {
  readonly caCertificate: string;
  readonly tlsCryptKey: string;
  readonly authfileKey: KeyObject;
  readonly expectedKey: KeyObject;
  readonly locationsKey: MinisignKey;
  readonly usageKey: UsageKey;
  /** Names that usage events may hold; undefined without a list. */
  readonly networkNames: ReadonlySet<string> | undefined;
  readonly fleetTls: { readonly cert: string; readonly key: string } | undefined;
}

/** A file of the configuration cannot be used. The message names the setting and the trouble, not the content. */
export class MaterialError extends Error {
  override readonly name = 'MaterialError';
}

export function readMaterial(config: ControlConfig): Material {
  const { keys, fleet } = config;
  return {
    caCertificate: read('caCertificate', config.caCertificate),
    tlsCryptKey: read('tlsCryptKey', config.tlsCryptKey),
    authfileKey: signingKey('keys.authfile', keys.authfile),
    expectedKey: signingKey('keys.expected', keys.expected),
    locationsKey: minisignKey(signingKey('keys.locations', keys.locations)),
    usageKey: usable('keys.usage', 'is not 32 bytes in base64', () =>
      usageKey(Buffer.from(read('keys.usage', keys.usage), 'base64')),
    ),
    networkNames:
      fleet?.networkNames === undefined ? undefined : namesIn(read('fleet.networkNames', fleet.networkNames)),
    fleetTls:
      fleet === undefined
        ? undefined
        : { cert: read('fleet.certificate', fleet.certificate), key: read('fleet.key', fleet.key) },
  };
}

function namesIn(text: string): ReadonlySet<string> {
  return new Set(text.split('\n').filter((name) => name !== ''));
}

function read(setting: string, path: string): string {
  return usable(setting, 'cannot be read', () => readFileSync(path, 'utf8'));
}

function signingKey(setting: string, path: string): KeyObject {
  const text = read(setting, path);
  const key = usable(setting, 'is not a private key in PEM', () => createPrivateKey(text));
  if (key.asymmetricKeyType !== 'ed25519') throw new MaterialError(`${setting}: the file is not an Ed25519 key`);
  return key;
}

function usable<T>(setting: string, trouble: string, take: () => T): T {
  try {
    return take();
  } catch (cause) {
    if (cause instanceof MaterialError) throw cause;
    throw new MaterialError(`${setting}: the file ${trouble}`, { cause });
  }
}
