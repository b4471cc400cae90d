// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Worker } from 'node:worker_threads';

import { type GatewayPlan, planGateway, type RenderedFile } from '../../contracts/plan/plan.ts';
import { type Clock, today } from '../../core/clock/clock.ts';
import type { Journal } from '../../core/journal/journal.ts';
import type { Random } from '../../core/random/random.ts';
import { countAccounts } from '../accounts/account.store.ts';
import { AccountLimiter } from '../accounts/account-limiter.ts';
import { AccountService } from '../accounts/account-service.ts';
import type { CredentialSalt } from '../accounts/credential.ts';
import { CredentialService } from '../accounts/credential-service.ts';
import { countTrialKeys } from '../accounts/device.store.ts';
import { DeviceService } from '../accounts/device-service.ts';
import { FailureLimiter } from '../accounts/failure-limiter.ts';
import { Forms, formKeyOf } from '../accounts/forms.ts';
import { RememberedService } from '../accounts/remembered.ts';
import { Room } from '../accounts/room.ts';
import { TrialKeys } from '../accounts/trial-keys.ts';
import { api } from '../api/api.http.ts';
import type { ApiServices } from '../api/services.ts';
import { connect } from '../database/connect.os.ts';
import { migrate } from '../database/migrate.store.ts';
import { schemaFindings } from '../database/schema.store.ts';
import type { Database } from '../database/tables.ts';
import { credentialSalt } from '../fleet/authfile.store.ts';
import { type ExpectedConfiguration, expectConfiguration } from '../fleet/expected.ts';
import { fleetApi } from '../fleet/fleet.http.ts';
import { AuthFilePublisher } from '../fleet/publisher.ts';
import { type FleetGateway, locationsOf } from '../fleet/registry.ts';
import { SealingThread } from '../fleet/sealing.os.ts';
import { SignedLocations } from '../fleet/signed-locations.ts';
import { GatewayStatuses } from '../fleet/statuses.ts';
import { storeActivation } from '../installs/activation.store.ts';
import type { Assets } from '../portal/assets.os.ts';
import type { PortalServices } from '../portal/context.http.ts';
import { portal } from '../portal/portal.http.ts';
import type { ProfileMaterial } from '../profiles/profile.ts';
import { type LiveSeats, MemorySeats } from '../seats/seats.ts';
import { UsageIngest } from '../usage/ingest.ts';
import type { ControlConfig } from './config.ts';
import { Housekeeping } from './housekeeping.ts';
import type { Material } from './material.os.ts';

/** Answers a request. It is given nothing else: not the connection, and so not the address at its other end. */
export type Fetch = (request: Request) => Response | Promise<Response>;

export interface ControlContext {
  readonly config: ControlConfig;
  readonly material: Material;
  /** Version of the software. */
  readonly release: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: Journal;
  /** What a gateway's daemons are configured with. */
  readonly render: (plan: GatewayPlan) => readonly RenderedFile[];
  /** What the pages for people refer to. */
  readonly assets: Assets;
  /** Makes auth files; loaded beforehand by a program that gives up the right to read its own files. */
  readonly sealing?: Worker;
  /** Called when auth files cannot be made any more unless the program starts again. */
  readonly lost?: () => void;
}

/** What pages and API work with. */
export type ControlServices = PortalServices & ApiServices;

export interface Control {
  readonly services: ControlServices;
  readonly db: Database;
  readonly seats: LiveSeats;
  readonly publisher: AuthFilePublisher;
  readonly housekeeping: Housekeeping;
  /** Portal and API. */
  readonly publicFetch: Fetch;
  /** What gateways ask; undefined without a fleet. */
  readonly fleetFetch: Fetch | undefined;
  /** What each gateway last said about itself. */
  readonly statuses: GatewayStatuses;
  close(): Promise<void>;
}

/** The database is not as the program needs it. The message says how, in one sentence. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError';
}

const SWEEP = 30_000;

/** Puts the service together and lets it run, except for its ports. */
export async function openControl(context: ControlContext): Promise<Control> {
  const { config, clock, journal } = context;
  await using opened = new AsyncDisposableStack();
  const db = connect(config.database);
  opened.defer(() => db.destroy());
  await prepareSchema(db);
  const salt = await credentialSalt(db, context.random);
  const gateways = fleetOf(config);
  const sealing = opened.use(sealingOf(context, salt, () => publisher.changed()));
  const publisher: AuthFilePublisher = new AuthFilePublisher({ clock, journal, seal: (day) => sealing.seal(day) });
  const seats = new MemorySeats(clock, (licence) => publisher.seatsOf(licence));
  const trialKeys = new TrialKeys(clock, config.licence.days, await countTrialKeys(db));
  const room = new Room({ most: config.mostAccounts, count: () => countAccounts(db), journal });
  await room.recount();
  const changed = () => publisher.changed();
  const { usageKey, networkNames: names } = context.material;
  const usage = new UsageIngest({ db, clock, random: context.random, journal, usageKey, names });
  const statuses = new GatewayStatuses(
    gateways.map(({ plan }) => plan.gateway),
    { clock, journal },
  );
  const services = servicesOf(context, { db, salt, seats, gateways, trialKeys, room, statuses, changed });
  const expected = await expectations(context, db, gateways);
  const housekeeping = new Housekeeping(db, clock, journal, () => room.recount());
  await publisher.start();
  housekeeping.start();
  const kept = opened.move();
  const sweeping = setInterval(() => {
    seats.sweep();
    statuses.sweep();
  }, SWEEP);
  return {
    services,
    db,
    seats,
    publisher,
    housekeeping,
    statuses,
    publicFetch: publicFetch(context, services),
    fleetFetch:
      config.fleet === undefined
        ? undefined
        : fetchOf(
            fleetApi({
              journal,
              usage,
              fleet: gateways,
              seats,
              statuses,
              expected,
              authfile: publisher,
            }),
          ),
    async close() {
      clearInterval(sweeping);
      await publisher.stop();
      await housekeeping.stop();
      await kept.disposeAsync();
    },
  };
}

async function prepareSchema(db: Database): Promise<void> {
  if ((await migrate(db)) === 'newer_than_program') {
    throw new SchemaError('The database belongs to a newer version of the program.');
  }
  const findings = await schemaFindings(db);
  if (findings.length > 0) {
    throw new SchemaError(`The database is not what the inventory declares: ${findings.join('; ')}.`);
  }
}

function fleetOf(config: ControlConfig): FleetGateway[] {
  return (config.fleet?.gateways ?? []).map(({ tokenHash, wireguardKey, address6, ...choice }) => ({
    plan: planGateway({ ...choice, address6 }),
    tokenHash: Buffer.from(tokenHash, 'hex'),
    wireguardKey,
  }));
}

function sealingOf(
  { config, material, sealing: loaded, lost }: ControlContext,
  salt: CredentialSalt,
  died: () => void,
): SealingThread {
  const { usageKey, authfileKey: signingKey } = material;
  const parts = { place: config.database, salt, usageKey, signingKey };
  return new SealingThread(parts, { loaded, died, ...(lost === undefined ? {} : { lost }) });
}

interface Parts {
  readonly db: Database;
  readonly salt: CredentialSalt;
  readonly seats: MemorySeats;
  readonly gateways: readonly FleetGateway[];
  readonly trialKeys: TrialKeys;
  readonly room: Room;
  readonly statuses: GatewayStatuses;
  readonly changed: () => void;
}

function servicesOf({ config, material, clock, random, journal }: ControlContext, parts: Parts): ControlServices {
  const { db, salt, seats, gateways, trialKeys, room, statuses, changed } = parts;
  const locations = locationsOf(config.fleet?.locations ?? [], gateways);
  const profile = profileOf(config, material);
  const forms = new Forms(formKeyOf(material.usageKey), clock, random);
  return {
    profile,
    wireguard: profile.inside.tunnels.wireguard,
    journal,
    accounts: new AccountService({
      changed,
      db,
      clock,
      random,
      forms,
      room,
      offer: config.licence,
      signIns: new AccountLimiter(clock, { burst: 30, perHour: 60 }),
      failures: new FailureLimiter(clock, { burst: 20, perSecond: 5, longest: 10_000 }),
      signUps: new FailureLimiter(clock, { burst: 50, perSecond: 10, longest: 10_000 }),
    }),
    credentials: new CredentialService({ db, random, salt, forms, changed }),
    devices: new DeviceService({ db, random, salt, trialKeys, changed }),
    seats,
    locations: new SignedLocations(config.name, locations, material.locationsKey, clock),
    reported: (name) => gateways.some(({ plan }) => plan.name === name && statuses.get(plan.gateway) !== undefined),
    remembered: new RememberedService(db, seats, material.usageKey),
    changes: new AccountLimiter(clock, { burst: 40, perHour: 120 }),
    activate: (activation) => storeActivation(db, activation, today(clock)),
  };
}

/** Pools, ports and inner addresses are the same in every plan, whatever an operator chooses. */
function profileOf(config: ControlConfig, { caCertificate, tlsCryptKey }: Material): ProfileMaterial {
  const none = { gateway: '', location: '', name: '', address4: '', address6: undefined, uplink: '' };
  const { service4, service6, heartbeatPort, tunnels } = planGateway(none);
  return { name: config.name, caCertificate, tlsCryptKey, inside: { service4, service6, heartbeatPort, tunnels } };
}

async function expectations(
  { render, release, material }: ControlContext,
  db: Database,
  gateways: readonly FleetGateway[],
): Promise<ReadonlyMap<string, ExpectedConfiguration>> {
  const expected = new Map<string, ExpectedConfiguration>();
  for (const { plan } of gateways) {
    expected.set(plan.gateway, await expectConfiguration(db, plan, render(plan), release, material.expectedKey));
  }
  return expected;
}

function publicFetch(
  { config, release, clock, random, journal, assets }: ControlContext,
  services: ControlServices,
): Fetch {
  const forPrograms = fetchOf(api(services, { service: config.name, release }));
  const { publicOrigin, sourceUrl, licence, about } = config;
  const facts = { trial: licence, ...about };
  const forPeople = fetchOf(portal(services, { clock, random, journal, publicOrigin, sourceUrl, facts, assets }));
  return (request) => {
    // Its path, without the cost of a URL.
    const path = request.url.slice(request.url.indexOf('/', 'https://'.length));
    return /^\/(?:api\/|problems\/|openapi\.json(?:$|\?))/.test(path) ? forPrograms(request) : forPeople(request);
  };
}

function fetchOf(app: { readonly fetch: Fetch }): Fetch {
  return (request) => app.fetch(request);
}
