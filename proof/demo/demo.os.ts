// SPDX-License-Identifier: AGPL-3.0-or-later
import { setTimeout as delay } from 'node:timers/promises';
import type { GatewayPlan } from '../../src/contracts/plan/plan.ts';
import { waitUntil } from '../../src/core/clock/until.ts';
import { INVENTORY } from '../../src/core/inventory/inventory.ts';
import type { Service } from '../../src/onebox/service.os.ts';
import { Hunt } from '../hunt/hunt.os.ts';
import { markedInstant } from '../hunt/marker.ts';
import { renderReport, renderSightings } from '../hunt/table.ts';
import type { HuntReport } from '../hunt/verdict.ts';
import { type Remembered, type Visitor, visitorAt, type Welcome } from '../labs/customers/visitor.ts';
import { openScene, type Scene, type SceneDeps } from './scene.os.ts';
import { conclude, targetsOf } from './search.os.ts';
import {
  connect,
  countMarkers,
  type Device,
  makeDevices,
  markersOf,
  type Profiles,
  portMarkers,
  type SessionReport,
  takeProfiles,
  use,
} from './sessions.os.ts';
import { hold, type Step, StepFailed, Steps } from './steps.ts';

/** Everything that a demo shows, in the shape that `--json` prints. */
export interface DemoReport {
  readonly ok: boolean;
  readonly steps: readonly Step[];
  readonly sessions: readonly SessionReport[];
  readonly seats: { readonly used: number; readonly limit: number };
  readonly remembered: readonly RememberedRecord[];
  readonly hunt: HuntSummary;
}

export interface RememberedRecord {
  readonly store: string;
  readonly record: number;
  readonly fields: Readonly<Record<string, string>>;
  /** The inventory's entry for each field: `database.usage_events.date`. */
  readonly declaredAs: readonly string[];
}

export interface HuntSummary {
  readonly markers: number;
  readonly bytesSearched: number;
  readonly encodings: readonly string[];
  readonly findings: readonly string[];
  readonly controlsPlanted: number;
  readonly controlsFound: number;
}

export interface DemoDeps extends SceneDeps {
  readonly tell: (step: Step) => void;
  /** Gets the hunt's tables, for people. */
  readonly show: (text: string) => void;
  /** Whether a person has seen enough. Asked before each step. */
  readonly isStopped: () => boolean;
  /** Seconds after the disconnect at which memory is searched again. */
  readonly after: readonly number[];
}

interface Draft {
  sessions: SessionReport[];
  seats: { used: number; limit: number };
  remembered: RememberedRecord[];
  report: HuntReport | undefined;
}

/**
 * Runs the whole demo. It never throws for a step that did not hold: the report says which. When it is stopped, it takes
 * everything back and throws {@link Stopped}.
 */
export async function runDemo(deps: DemoDeps): Promise<DemoReport> {
  const steps = new Steps(deps.clock, deps.tell, deps.isStopped);
  const draft: Draft = { sessions: [], seats: { used: 0, limit: 0 }, remembered: [], report: undefined };
  try {
    await using opened = new AsyncDisposableStack();
    const scene = await steps.take(
      'the whole service starts',
      () => openScene(deps),
      ({ service }) => service.portal,
    );
    opened.defer(() => scene.close());
    const hunt = new Hunt([Buffer.from(scene.service.identity.usageKey, 'base64')]);
    await play({ deps, steps, draft, scene, hunt, customer: visitorAt(scene.service.portal) });
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
  }
  return reportOf(steps, draft);
}

/** What the acts of the demo share. */
interface Act {
  readonly deps: DemoDeps;
  readonly steps: Steps;
  readonly draft: Draft;
  readonly scene: Scene;
  readonly hunt: Hunt;
  readonly customer: Visitor;
}

async function play(act: Act): Promise<void> {
  const { scene, steps, hunt, customer } = act;
  const { plan } = gatewayOf(scene.service);
  await steps.take('the gateway says that its configuration is in force', () =>
    waitUntil('the agent says so', () => scene.said().includes('"config_in_force"')),
  );
  const welcome = await steps.take('a customer signs up with one click', () => customer.signUp());
  const profiles = await steps.take('the portal hands out three profiles', () => takeProfiles(customer, plan));
  const devices = await steps.take('three devices wait in networks of their own', () =>
    makeDevices(scene.world, plan, act.deps.random),
  );
  hunt.plant(...markersOf(devices, welcome, profiles));
  await steps.take('memory and stores are searched before anybody connects', () =>
    hunt.look('before', targetsOf(scene)),
  );
  for (const device of devices) await connectAndUse(act, device, { plan, profiles, welcome });
  await lookWhileConnected(act, devices);
  await disconnectAndLook(act, devices);
  await judge(act);
}

async function connectAndUse(
  { deps, steps, draft, hunt }: Act,
  device: Device,
  { plan, profiles, welcome }: { plan: GatewayPlan; profiles: Profiles; welcome: Welcome },
): Promise<void> {
  await steps.take(`${device.protocol}: a stock client connects`, async () => {
    device.client = await connect(device, profiles, welcome);
    hunt.plant(markedInstant(`${device.protocol} connect time`, deps.clock.wall(), 'text'));
  });
  const session = await steps.take(
    `${device.protocol}: a name and a page come through the tunnel`,
    () => use(device, plan),
    ({ exitAddress }) => `the Internet saw ${exitAddress}`,
  );
  draft.sessions.push(session);
}

async function lookWhileConnected(
  { deps, steps, draft, scene, hunt, customer }: Act,
  devices: readonly Device[],
): Promise<void> {
  draft.seats = await steps.take('the portal counts three live sessions', () => threeSeats(customer), seatsText);
  hunt.plant(...(await portMarkers(devices)));
  await steps.take('memory and stores are searched while they are connected', () =>
    hunt.look('connected', targetsOf(scene)),
  );
  hunt.plant(...(await countMarkers(devices)), markedInstant('disconnect time', deps.clock.wall(), 'text'));
}

async function disconnectAndLook(
  { deps, steps, draft, scene, hunt, customer }: Act,
  devices: readonly Device[],
): Promise<void> {
  const left = deps.clock.elapsed();
  await steps.take('the clients disconnect', () => disconnect(devices));
  await steps.take('the seats are free again', () => noSeats(customer));
  draft.remembered = await steps.take(
    'three usage events of six fields arrive, and nothing else',
    () => whatIsRemembered(customer),
    (rows) => `${rows.length} records in all`,
  );
  for (const seconds of deps.after) {
    await steps.take(`memory and stores are searched ${seconds} s after the disconnect`, async () => {
      await delay(Math.max(0, left + seconds * 1000 - deps.clock.elapsed()));
      await hunt.look(`+${seconds} s`, targetsOf(scene));
    });
  }
}

async function judge({ deps, steps, draft, scene, hunt }: Act): Promise<void> {
  const report = await steps.take(
    'leaks made on purpose are all found',
    async () => {
      const result = await conclude(hunt, scene, deps.random);
      draft.report = result;
      hold(result.controlsFound === result.controlsPlanted, `missed: ${result.controlsMissed.join(', ')}`);
      return result;
    },
    ({ controlsFound, controlsPlanted }) => `${controlsFound} of ${controlsPlanted}`,
  );
  deps.show(`${renderSightings(hunt.sightings)}\n${renderReport(report)}`);
  await steps.take('the hunt finds nothing outside the inventory', async () => {
    hold(
      report.ok,
      `${report.findings.length} findings; not seen: ${report.blind.join(', ') || 'nothing'}; gone: ${report.vanished.join(', ') || 'nothing'}`,
    );
  });
}

function gatewayOf(service: Service): NonNullable<Service['gateway']> {
  hold(service.gateway !== undefined, 'the service runs without a gateway');
  return service.gateway;
}

function seatsText({ used, limit }: { used: number; limit: number }): string {
  return `${used} of ${limit}`;
}

async function threeSeats(customer: Visitor): Promise<{ used: number; limit: number }> {
  await waitUntil('the portal counts three sessions', async () => (await customer.seats()).used === 3);
  return await customer.seats();
}

async function noSeats(customer: Visitor): Promise<void> {
  await waitUntil('the seats are free', async () => (await customer.seats()).used === 0, 60_000);
}

async function disconnect(devices: readonly Device[]): Promise<void> {
  for (const { client } of devices) await client?.disconnect();
}

async function whatIsRemembered(customer: Visitor): Promise<RememberedRecord[]> {
  const events = (rows: readonly Remembered[]) => rows.filter((row) => row.store === 'database.usage_events');
  await waitUntil(
    'three usage events have arrived',
    async () => events(await customer.remembered()).length === 3,
    60_000,
  );
  const rows = await customer.remembered();
  for (const event of events(rows)) {
    hold(
      event.fields.length === 7,
      'a usage event has another number of columns than seven (six fields, one in two columns)',
    );
  }
  return rows.map((row, index) => recordOf(row, index + 1));
}

function recordOf(row: Remembered, record: number): RememberedRecord {
  for (const { name } of row.fields) {
    hold(INVENTORY[row.store]?.[name] !== undefined, `${row.store}.${name} is not in the inventory`);
  }
  return {
    store: row.store,
    record,
    fields: Object.fromEntries(row.fields.map(({ name, value }) => [name, value])),
    declaredAs: row.fields.map(({ name }) => `${row.store}.${name}`),
  };
}

function reportOf(steps: Steps, { sessions, seats, remembered, report }: Draft): DemoReport {
  return {
    ok: report?.ok === true && steps.done.every((step) => step.ok),
    steps: steps.done,
    sessions,
    seats,
    remembered,
    hunt: {
      markers: report?.markers ?? 0,
      bytesSearched: report?.bytesSearched ?? 0,
      encodings: report?.encodings ?? [],
      findings: (report?.findings ?? []).map(
        ({ place, phase, marker, encoding }) => `${marker} as ${encoding} in ${place}, ${phase}`,
      ),
      controlsPlanted: report?.controlsPlanted ?? 0,
      controlsFound: report?.controlsFound ?? 0,
    },
  };
}
