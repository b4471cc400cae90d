// SPDX-License-Identifier: AGPL-3.0-or-later
import { oneDay } from '../contracts/pki/authority.ts';
import type { Clock } from '../core/clock/clock.ts';
import { assertDeclared } from '../core/inventory/guard.ts';
import type { JournalEvent } from '../core/inventory/journal.ts';
import type { Speaker } from './relay.ts';

/** One part of the service and how it is; the rest says more, as `api.status_…` of the inventory declares it. */
export interface StatusPart {
  readonly part: string;
  readonly state: string;
  readonly [detail: string]: string | number;
}

/** What `./lethe status` and /healthz say. Nothing in it is about customers. */
export interface StatusReport {
  /** `starting`, `serving`, `attention` or `stopping` */
  readonly service: string;
  readonly release: string;
  readonly parts: readonly StatusPart[];
}

/** Of a program that runs, as its supervisor knows it. */
export interface ProgramFact {
  readonly name: string;
  readonly running: boolean;
}

export interface Facts {
  readonly release: string;
  readonly phase: 'starting' | 'serving' | 'stopping';
  readonly programs: readonly ProgramFact[];
  /** Gateways that control knows. */
  readonly gateways: readonly string[];
  /** Wall time at which the gateway's certificate ends, if it is known here. */
  readonly certificateEnds: number | undefined;
}

/** States in which a part is well. */
const WELL = new Set(['serving', 'reporting', 'in_force', 'valid', 'moving']);

/** A program that was lost this recently may be lost again, milliseconds. */
const SETTLED_AFTER = 60_000;
const DAY = 86_400_000;
/** Milliseconds before its end at which a certificate of years counts as ending. */
const SOON = 30 * DAY;
/** The same for one of a day, which a machine renews after 18 to 20 hours. */
const NOT_RENEWED = 7_200_000;

interface Loss {
  restarts: number;
  last: number;
}

/** Follows the journals of all programs, and says how the service is. */
export class Health {
  readonly #clock: Clock;
  readonly #losses = new Map<string, Loss>();
  readonly #gateways = new Map<string, 'reporting' | 'lost'>();
  readonly #drifted = new Map<string, string>();
  #authfile: { version: number; since: number; from: Speaker } | undefined;
  /** Wall time at which the certificate ends that the activator gave a machine last. */
  #machineEnds: number | undefined;
  #controlLost = false;
  #accounts: StatusPart | undefined;
  #outbox: 'moving' | 'filling' | 'overflowed' = 'moving';
  #dropped = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(from: Speaker, event: JournalEvent): void {
    switch (event.code) {
      case 'daemon_lost':
        if (from === 'lethe') this.#lost(event.daemon);
        // Its successor counts anew.
        if (from === 'lethe' && event.daemon === 'control') this.#accounts = undefined;
        break;
      case 'authfile_in_force':
        this.#authfile = { version: event.version, since: this.#clock.elapsed(), from };
        break;
      case 'gateway_authfile':
        // What the agent says itself comes sooner; that of a machine says it to control alone.
        if (this.#authfile?.from !== 'agent')
          this.#authfile = { version: event.version, since: this.#clock.elapsed(), from };
        break;
      case 'control_lost':
        this.#controlLost = true;
        break;
      case 'control_found':
        this.#controlLost = false;
        break;
      case 'config_drifted':
        this.#drifted.set(from, event.file);
        break;
      case 'config_in_force':
        this.#drifted.delete(from);
        break;
      default:
        this.#noteFleet(event);
    }
  }

  #noteFleet(event: JournalEvent): void {
    switch (event.code) {
      case 'accounts_filling':
        this.#accounts = accountsPart('filling', event);
        break;
      case 'accounts_full':
        this.#accounts = accountsPart('full', event);
        break;
      case 'accounts_freed':
        this.#accounts = undefined;
        break;
      case 'gateway_lost':
        this.#gateways.set(event.gateway, 'lost');
        break;
      case 'gateway_found':
        this.#gateways.set(event.gateway, 'reporting');
        break;
      case 'gateway_drifted':
        this.#drifted.set(event.gateway, 'unknown');
        break;
      case 'gateway_in_force':
        this.#drifted.delete(event.gateway);
        break;
      case 'machine_activated':
      case 'machine_renewed':
        this.#machineEnds = oneDay(this.#clock).notAfter;
        break;
      case 'outbox_filling':
        this.#outbox = 'filling';
        break;
      case 'outbox_emptied':
        this.#outbox = 'moving';
        break;
      case 'outbox_overflowed':
        this.#outbox = 'overflowed';
        this.#dropped += event.dropped;
        break;
      default:
    }
  }

  #lost(program: string): void {
    const restarts = (this.#losses.get(program)?.restarts ?? 0) + 1;
    this.#losses.set(program, { restarts, last: this.#clock.elapsed() });
  }

  report({ release, phase, programs, gateways, certificateEnds }: Facts): StatusReport {
    const parts = [
      ...programs.map((program) => this.#program(program)),
      ...(this.#accounts === undefined ? [] : [this.#accounts]),
      ...(this.#authfile === undefined ? [] : [this.#authfilePart(this.#authfile)]),
      ...gateways.flatMap((gateway) => this.#gatewayParts(gateway)),
      ...(certificateEnds === undefined ? [] : [this.#certificate(certificateEnds, SOON)]),
      ...(this.#machineEnds === undefined ? [] : [this.#certificate(this.#machineEnds, NOT_RENEWED)]),
    ];
    const well = parts.every(({ state }) => WELL.has(state));
    const service = phase === 'serving' && !well ? 'attention' : phase;
    assertDeclared('api.status', { service, release });
    return { service, release, parts };
  }

  #program({ name, running }: ProgramFact): StatusPart {
    const loss = this.#losses.get(name);
    const fresh = loss !== undefined && this.#clock.elapsed() - loss.last < SETTLED_AFTER;
    const state = running ? (fresh ? 'restarted' : 'serving') : 'lost';
    return declared('program', { part: name, state, restarts: loss?.restarts ?? 0 });
  }

  #authfilePart({ version, since }: { readonly version: number; readonly since: number }): StatusPart {
    const seconds = Math.floor((this.#clock.elapsed() - since) / 1000);
    return declared('authfile', {
      part: 'authfile',
      state: this.#controlLost ? 'control_lost' : 'in_force',
      version,
      seconds,
    });
  }

  #gatewayParts(gateway: string): StatusPart[] {
    const file = this.#drifted.get('agent') ?? this.#drifted.get(gateway);
    return [
      declared('gateway', { part: 'gateway', state: this.#gateways.get(gateway) ?? 'reporting', gateway }),
      declared('configuration', {
        part: 'configuration',
        state: file === undefined ? 'in_force' : 'drifted',
        file: file ?? 'none',
      }),
      declared('events', { part: 'usage_events', state: this.#outbox, dropped: this.#dropped }),
    ];
  }

  /** `soon`: milliseconds before its end at which it counts as ending. */
  #certificate(ends: number, soon: number): StatusPart {
    const left = ends - this.#clock.wall();
    const state = left <= 0 ? 'ended' : left < soon ? 'ending' : 'valid';
    return declared('certificate', {
      part: 'certificate',
      state,
      ends_on: new Date(ends).toISOString().slice(0, 10),
    });
  }
}

function accountsPart(
  state: string,
  { accounts, most }: { readonly accounts: number; readonly most: number },
): StatusPart {
  return declared('accounts', { part: 'accounts', state, accounts, most });
}

function declared(kind: string, part: StatusPart): StatusPart {
  assertDeclared(`api.status_${kind}`, part);
  return part;
}
