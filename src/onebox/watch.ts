// SPDX-License-Identifier: AGPL-3.0-or-later
import { X509Certificate } from 'node:crypto';
import type { Clock } from '../core/clock/clock.ts';
import { assertDeclared } from '../core/inventory/guard.ts';
import type { JournalEvent } from '../core/inventory/journal.ts';
import type { Journal } from '../core/journal/journal.ts';
import type { Terminal } from '../host/terminal/terminal.ts';
import { type Facts, Health, type StatusReport } from './health.ts';
import { journalLine, type Speaker } from './relay.ts';
import type { Service } from './service.os.ts';
import type { Supervised } from './supervisor.ts';

export interface WatchDeps {
  readonly stderr: Terminal;
  readonly clock: Clock;
  readonly release: string;
}

/** Puts what all programs of a service say on standard error, and knows how the service is. */
export class Watch {
  readonly #deps: WatchDeps;
  readonly #health: Health;
  #service: Service | undefined;
  #phase: Facts['phase'] = 'starting';

  constructor(deps: WatchDeps) {
    this.#deps = deps;
    this.#health = new Health(deps.clock);
  }

  /** For what `up` itself has to say. */
  get journal(): Journal {
    return {
      say: (event) => {
        const { code, ...fields } = event;
        assertDeclared(`journal.${code}`, fields);
        this.heard('lethe', event);
      },
    };
  }

  readonly heard = (from: Speaker, event: JournalEvent): void => {
    const { stderr } = this.#deps;
    stderr.write(journalLine(from, event, stderr.interactive));
    this.#health.note(from, event);
  };

  serves(service: Service): void {
    this.#service = service;
    this.#phase = 'serving';
  }

  stops(): void {
    this.#phase = 'stopping';
  }

  /** Accounts were changed beside control. */
  changed(): void {
    this.#service?.control.child.signal('SIGHUP');
  }

  report(): StatusReport {
    const gateway = this.#service?.gateway;
    const certificate = gateway?.certificate;
    return this.#health.report({
      release: this.#deps.release,
      phase: this.#phase,
      programs: programsOf(this.#service).map(({ name, child }) => ({ name, running: child.running })),
      gateways: gateway === undefined ? [] : [gateway.plan.gateway],
      certificateEnds: certificate === undefined ? undefined : new X509Certificate(certificate).validToDate.getTime(),
    });
  }
}

function programsOf(service: Service | undefined): Supervised[] {
  if (service === undefined) return [];
  const { database, control, gateway } = service;
  const machine = gateway?.machine;
  return [
    database.program,
    control,
    ...(machine === undefined ? [] : [machine.activator]),
    ...(gateway?.running?.programs ?? []),
  ];
}
