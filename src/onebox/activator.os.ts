// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ActivatorStore, type StoredBoot } from '../activator/activator.store.ts';
import type { ActivatorConfigFile } from '../activator/config.ts';
import { endorsementOf, enrol } from '../activator/enrol.ts';
import { ACTIVATOR_FILES, authorityFromPem, openActivatorKeys, storePublicKey } from '../activator/keys.os.ts';
import type { PolicyFile } from '../activator/policy.os.ts';
import type { BundleParameters } from '../contracts/activation/bundle.ts';
import type { Operator } from '../contracts/activation/operator.ts';
import type { Clock } from '../core/clock/clock.ts';
import type { Journal } from '../core/journal/journal.ts';
import type { Random } from '../core/random/random.ts';
import { replaceFile } from '../host/files/replace.os.ts';
import { SERVICE_ADDRESS } from '../host/machines/cabling.os.ts';
import type { TpmFactory } from '../host/machines/swtpm.os.ts';
import { ownProgram } from '../host/processes/privileges.os.ts';
import { run, spawnChild } from '../host/processes/process.os.ts';
import { untilSays } from '../host/processes/ready.os.ts';
import { ACTIVATOR_PORT } from './cables.os.ts';
import { CannotStart } from './machine.os.ts';
import { type Heard, heardFrom } from './relay.ts';
import { type Supervised, supervise } from './supervisor.ts';
import type { User } from './users.os.ts';

const PROGRAM = fileURLToPath(new URL('../../cmd/activator.ts', import.meta.url));
const NAME = 'activator.lethe.internal';
const OPERATOR_FILE = 'operator.json';
const POLICY_FILE = 'policy.json';
const ENROLMENT_FILE = 'enrolment.json';

export interface ActivatorDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: Journal;
  /** Gets what the activator says in its journal. */
  readonly heard?: Heard;
}

export interface ActivatorParts {
  /** Holds its keys, its store and its configuration. */
  readonly directory: string;
  readonly listen: string;
  /** PEM: the authority that signs gateways' certificates, with its key. */
  readonly issuer: { readonly certificate: string; readonly key: string };
  readonly user: User;
  /** The launcher that has the kernel refuse system calls. */
  readonly filter: string | undefined;
}

/** A service's own activator: what it is told, whom it accepts, and what it has seen. */
export class ServiceActivator {
  readonly #parts: ActivatorParts;
  readonly #deps: ActivatorDeps;

  constructor(parts: ActivatorParts, deps: ActivatorDeps) {
    this.#parts = parts;
    this.#deps = deps;
    mkdirSync(parts.directory, { recursive: true, mode: 0o711 });
  }

  /** What an image has to be built with so that it asks this activator. Its keys are made with the first call. */
  async operator(): Promise<Operator> {
    const argv = [process.execPath, PROGRAM, '--config', this.#configure(), '--operator-file'];
    const text = await run(argv, ownProgram(this.#parts.filter));
    const { authority } = JSON.parse(text) as Operator;
    const operator = { activator: `https://${SERVICE_ADDRESS}:${ACTIVATOR_PORT}`, authority };
    this.#file(OPERATOR_FILE, `${JSON.stringify(operator, null, 2)}\n`, 0o644);
    return operator;
  }

  get operatorFile(): string {
    return join(this.#parts.directory, OPERATOR_FILE);
  }

  /** Accepts TPMs of one maker, and one release. */
  believe(factory: TpmFactory, release: PolicyFile['releases'][number]): void {
    const tpms = {
      roots: this.#file('tpm-roots.pem', factory.roots(), 0o644),
      intermediates: this.#file('tpm-intermediates.pem', factory.intermediates(), 0o644),
    };
    const policy: PolicyFile = { tpms, minimumVersion: release.version, releases: [release] };
    this.#file(POLICY_FILE, JSON.stringify(policy, null, 2), 0o644);
  }

  async start(): Promise<Supervised> {
    const config = this.#configure();
    return await supervise({
      name: 'activator',
      journal: this.#deps.journal,
      clock: this.#deps.clock,
      start: async () => {
        const child = spawnChild([process.execPath, PROGRAM, '--config', config], {
          ...ownProgram(this.#parts.filter),
          ...heardFrom('activator', this.#deps.heard),
        });
        await untilSays(child, 'activator', /\{"ready":"activator".*\}/);
        return child;
      },
    });
  }

  /**
   * Registers the gateway's machine by the certificate of its TPM, unless it is registered with just these parameters.
   * The activator has been started before. Gives the SHA-256 of the gateway's bearer token for control, in hex.
   */
  async enrol(certificate: Uint8Array, parameters: Omit<BundleParameters, 'token'>): Promise<string> {
    const digest = createHash('sha256').update(certificate).update(JSON.stringify(parameters)).digest('hex');
    const kept = this.#kept();
    if (kept?.digest === digest) return kept.tokenHash;
    const endorsement = endorsementOf(certificate);
    if ('problem' in endorsement)
      throw new CannotStart(`The machine's TPM cannot be enrolled: ${endorsement.problem}.`);
    const { random } = this.#deps;
    const keys = await openActivatorKeys(this.#store, this.#deps, authorityFromPem(this.#parts.issuer));
    const { gateway } = parameters.plan;
    const made = this.#withStore((store) => {
      store.forget(gateway);
      return enrol({ gateway, endorsement, parameters }, { store, random, recipient: storePublicKey(keys) });
    });
    if ('problem' in made) throw new CannotStart(`The machine cannot be enrolled: ${made.problem}.`);
    this.#file(ENROLMENT_FILE, JSON.stringify({ digest, tokenHash: made.tokenHash }), 0o600);
    return made.tokenHash;
  }

  /** The gateway's last boot that was given its secrets. */
  boot(gateway: string): StoredBoot | undefined {
    return this.#withStore((store) => store.boot(gateway));
  }

  #configure(): string {
    const { listen, issuer, user } = this.#parts;
    const config: ActivatorConfigFile = {
      listen: { address: listen, port: ACTIVATOR_PORT },
      name: NAME,
      addresses: [SERVICE_ADDRESS],
      directory: this.#store,
      policy: join(this.#parts.directory, POLICY_FILE),
      issuer: {
        certificate: this.#file('issuer.crt', issuer.certificate, 0o644),
        key: this.#file('issuer.key', issuer.key, 0o600),
      },
      user: { uid: user.uid, gid: user.gid },
    };
    return this.#file('activator.json', JSON.stringify(config, null, 2), 0o600);
  }

  #kept(): { readonly digest: string; readonly tokenHash: string } | undefined {
    const path = join(this.#parts.directory, ENROLMENT_FILE);
    return existsSync(path)
      ? (JSON.parse(readFileSync(path, 'utf8')) as { digest: string; tokenHash: string })
      : undefined;
  }

  /** Belongs to the activator's user. */
  get #store(): string {
    return join(this.#parts.directory, 'store');
  }

  #withStore<T>(work: (store: ActivatorStore) => T): T {
    const store = new ActivatorStore(join(this.#store, ACTIVATOR_FILES.store));
    try {
      return work(store);
    } finally {
      store.close();
    }
  }

  #file(name: string, content: string, mode: number): string {
    const path = join(this.#parts.directory, name);
    replaceFile(path, content, { mode });
    return path;
  }
}
