// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ActivatorConfigFile } from '../activator/config.ts';
import type { BootShown, EnrolmentOrder } from '../activator/own-store.os.ts';
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
import { CommandError, run, spawnChild } from '../host/processes/process.os.ts';
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
    const { authority } = (await this.#ask(['--operator-file'])) as Operator;
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
          ...this.#program,
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
    const order: EnrolmentOrder = { certificate: certificate.toBase64(), parameters };
    const asked = this.#ask(['--enrol'], JSON.stringify(order)) as Promise<{ tokenHash: string }>;
    const { tokenHash } = await asked.catch((error: unknown) => {
      if (!(error instanceof CommandError)) throw error;
      throw new CannotStart(`The machine cannot be enrolled: ${error.output.trim()}.`);
    });
    this.#file(ENROLMENT_FILE, JSON.stringify({ digest, tokenHash }), 0o600);
    return tokenHash;
  }

  /** The gateway's last boot that was given its secrets. */
  async boot(gateway: string): Promise<BootShown | undefined> {
    return ((await this.#ask(['--boot', gateway])) as BootShown | null) ?? undefined;
  }

  /** Root opens nothing in the directory of the activator's user: a process of that user answers. */
  async #ask(question: readonly string[], stdin = ''): Promise<unknown> {
    const argv = [process.execPath, PROGRAM, '--config', this.#configure(), ...question];
    let answer = '';
    const alsoTo = (text: string) => {
      answer += text;
    };
    // What it says on standard error, a warning of Node's for one, is no part of the answer.
    await run(argv, { ...this.#program, stdin, alsoTo });
    return JSON.parse(answer);
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

  /** It gives its directory to its user, however a backup has left it. */
  get #program() {
    return ownProgram(this.#parts.filter, 'chown', 'fowner');
  }

  /** Belongs to the activator's user. */
  get #store(): string {
    return join(this.#parts.directory, 'store');
  }

  #file(name: string, content: string, mode: number): string {
    const path = join(this.#parts.directory, name);
    replaceFile(path, content, { mode });
    return path;
  }
}
