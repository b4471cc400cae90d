// SPDX-License-Identifier: AGPL-3.0-or-later
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { addressBytes } from '../bytes/text/address.ts';
import { issueServerCertificate } from '../contracts/pki/authority.ts';
import { generateP256Key, privateKeyPem } from '../contracts/pki/keys.ts';
import type { Clock } from '../core/clock/clock.ts';
import type { ConfigurationProblem } from '../core/configuration/configuration.ts';
import type { Journal } from '../core/journal/journal.ts';
import type { Random } from '../core/random/random.ts';
import { giveTree } from '../host/files/give.os.ts';
import { ListenError } from '../host/listening/listening.os.ts';
import { startProblem } from '../host/program/program.os.ts';
import { answerRequest } from './activator.http.ts';
import { ActivatorStore, StoreError } from './activator.store.ts';
import { Activator } from './activator.ts';
import { type ActivatorConfig, parseActivatorConfig } from './config.ts';
import { ACTIVATOR_FILES, type ActivatorKeys, AuthorityError, authorityFromPem, openActivatorKeys } from './keys.os.ts';
import { KnownGateways } from './known-gateways.ts';
import { readPolicy } from './policy.os.ts';
import { serveActivator } from './serve.os.ts';

export interface LoadedActivator {
  readonly config: ActivatorConfig;
  /** PEM; read while we may. */
  readonly issuer: { readonly certificate: string; readonly key: string } | undefined;
}

/** Everything that has to be done before the program gives up its rights. */
export function loadActivator(path: string): LoadedActivator | ConfigurationProblem {
  try {
    const config = parseActivatorConfig(readFileSync(path, 'utf8'));
    if ('problem' in config) return { problem: `${path}: ${config.problem}` };
    const { issuer, directory, user } = config;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (user !== undefined && process.getuid?.() === 0) giveTree(directory, user);
    chmodSync(directory, 0o700);
    const read = (file: string) => readFileSync(file, 'utf8');
    return {
      config,
      issuer: issuer === undefined ? undefined : { certificate: read(issuer.certificate), key: read(issuer.key) },
    };
  } catch {
    return { problem: `${path}: it cannot be read, or something that it names` };
  }
}

export interface RunningActivator {
  readonly url: string;
  /** PEM: the authority that images trust. */
  readonly authority: string;
  close(): Promise<void>;
}

/** Milliseconds. */
const MINUTE = 60_000;

interface RunDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: Journal;
}

/** Opens the store and the port. What was opened is closed again when a later step fails. */
export async function runActivator(loaded: LoadedActivator, deps: RunDeps): Promise<RunningActivator> {
  const { config } = loaded;
  const keys = await openKeys(loaded, deps);
  await using opened = new AsyncDisposableStack();
  const store = opened.adopt(new ActivatorStore(join(config.directory, ACTIVATOR_FILES.store)), (it) => it.close());
  const policy = () => readPolicy(config.policy);
  const activator = new Activator({ ...deps, store, issuer: keys.issuer, storeKey: keys.store, policy });
  const known = new KnownGateways({ clock: deps.clock, store, storeKey: keys.store });
  const tls = await tlsOf(keys, config, deps);
  const listening = await serveActivator(
    config.listen,
    tls,
    () => known.addresses(),
    async (...request) => {
      try {
        return await answerRequest({ activator, store }, ...request);
      } catch (error) {
        deps.journal.say({ code: 'failed', program: 'activator', failure: 'request' });
        throw error;
      }
    },
  );
  opened.defer(() => listening.close());
  const telling = setInterval(() => activator.tellRefusals(), MINUTE);
  opened.defer(() => {
    clearInterval(telling);
    activator.tellRefusals();
  });
  const kept = opened.move();
  return { url: listening.url, authority: keys.tls.certificate, close: () => kept.disposeAsync() };
}

export function openKeys({ config, issuer }: LoadedActivator, deps: Omit<RunDeps, 'journal'>): Promise<ActivatorKeys> {
  return openActivatorKeys(
    config.directory,
    deps,
    issuer === undefined ? { gatewayDomain: config.gatewayDomain } : authorityFromPem(issuer),
  );
}

/** A certificate for this run, with a key that never leaves the process. */
async function tlsOf({ tls }: ActivatorKeys, { name, addresses }: ActivatorConfig, deps: RunDeps) {
  const key = await generateP256Key();
  const subject = { name, addresses: addresses.map(addressBytes), key };
  return { cert: await issueServerCertificate(deps, tls, subject), key: privateKeyPem(key) };
}

export function activatorStartProblem(error: unknown): string {
  return startProblem(error, [ListenError, StoreError, AuthorityError]);
}
