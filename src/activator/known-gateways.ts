// SPDX-License-Identifier: AGPL-3.0-or-later
import { openParameters, ParametersError } from '../contracts/activation/parameters.ts';
import type { Clock } from '../core/clock/clock.ts';
import { knownAddresses } from '../host/listening/crowd.ts';
import type { ActivatorStore, EnrolledGateway } from './activator.store.ts';

interface KnownDeps {
  readonly clock: Clock;
  readonly store: Pick<ActivatorStore, 'gateways'>;
  /** Private key that parameters are sealed to. */
  readonly storeKey: Uint8Array;
}

/** Milliseconds for which a list is good: connections have it looked up no more often. */
const LIFETIME = 10_000;

/** Where enrolled gateways come from, as their parameters say, for {@link serveActivator} to keep a place for them. */
export class KnownGateways {
  readonly #deps: KnownDeps;
  #addresses: ReadonlySet<string> = new Set();
  #until = Number.NEGATIVE_INFINITY;
  /** By gateway, so that only what has changed is opened again. */
  #opened = new Map<string, { readonly sealed: string; readonly addresses: readonly (string | undefined)[] }>();

  constructor(deps: KnownDeps) {
    this.#deps = deps;
  }

  addresses(): ReadonlySet<string> {
    const { clock, store } = this.#deps;
    const now = clock.elapsed();
    if (now < this.#until) return this.#addresses;
    this.#until = now + LIFETIME;
    this.#opened = new Map(store.gateways().map((gateway) => [gateway.gateway, this.#open(gateway)]));
    this.#addresses = knownAddresses([...this.#opened.values()].flatMap(({ addresses }) => addresses));
    return this.#addresses;
  }

  #open(gateway: EnrolledGateway) {
    const sealed = gateway.parameters.toBase64();
    const before = this.#opened.get(gateway.gateway);
    return before?.sealed === sealed ? before : { sealed, addresses: this.#addressesOf(gateway) };
  }

  /** A gateway whose parameters cannot be read is told so when it asks; until then it is a stranger. */
  #addressesOf(gateway: EnrolledGateway): readonly (string | undefined)[] {
    try {
      const { plan } = openParameters(this.#deps.storeKey, gateway);
      return [plan.address4, plan.address6];
    } catch (error) {
      if (error instanceof ParametersError) return [];
      throw error;
    }
  }
}
