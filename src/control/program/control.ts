// SPDX-License-Identifier: AGPL-3.0-or-later

import type { GatewayStatus } from '../../contracts/fleet/messages.ts';
import { type GatewayPlan, planGateway, type RenderedFile } from '../../contracts/plan/plan.ts';
import { type Clock, today } from '../../core/clock/clock.ts';
import type { Journal } from '../../core/journal/journal.ts';
import type { Random } from '../../core/random/random.ts';
import { AccountService } from '../accounts/account-service.ts';
import { type CredentialSalt, CredentialService } from '../accounts/credential-service.ts';
import { DeviceService } from '../accounts/device-service.ts';
import { Patience } from '../accounts/patience.ts';
import { RememberedService } from '../accounts/remembered.ts';
import { type ApiServices, api } from '../api/api.http.ts';
import { SignedLocations } from '../api/locations.ts';
import { connect } from '../database/connect.os.ts';
import { migrate } from '../database/migrate.store.ts';
import { schemaFindings } from '../database/schema.store.ts';
import type { Database } from '../database/tables.ts';
import { credentialSalt } from '../fleet/authfile.store.ts';
import { type ExpectedConfiguration, expectConfiguration } from '../fleet/expected.ts';
import { fleetApi } from '../fleet/fleet.http.ts';
import { AuthFilePublisher } from '../fleet/publisher.ts';
import { type FleetGateway, locationsOf } from '../fleet/registry.ts';
import { storeActivation } from '../installs/activation.store.ts';
import { type LiveSeats, MemorySeats } from '../seats/seats.ts';
import type { ControlConfig } from './config.ts';
import { Housekeeping } from './housekeeping.ts';
import type { Material } from './material.os.ts';
import type { PortalServices, ServiceProfile } from './services.ts';

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
  /** The pages for people. Without it only the API answers. */
  readonly mountPortal?: (services: PortalServices) => { readonly fetch: Fetch };
}

export interface Control {
  readonly services: PortalServices;
  readonly db: Database;
  readonly seats: LiveSeats;
  readonly publisher: AuthFilePublisher;
  readonly housekeeping: Housekeeping;
  /** Portal and API. */
  readonly publicFetch: Fetch;
  /** What gateways ask; undefined without a fleet. */
  readonly fleetFetch: Fetch | undefined;
  /** What each gateway last said about itself. */
  readonly statuses: ReadonlyMap<string, GatewayStatus>;
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
  const db = connect(config.database);
  try {
    await prepareSchema(db);
    const salt = await credentialSalt(db, context.random);
    const gateways = fleetOf(config);
    const publisher = publisherOf(context, db, salt);
    const seats = new MemorySeats(clock, (licence) => publisher.seatsOf(licence));
    const services = servicesOf(context, { db, salt, seats, gateways, changed: () => publisher.changed() });
    const statuses = new Map<string, GatewayStatus>();
    const expected = await expectations(context, db, gateways);
    const housekeeping = new Housekeeping(db, clock, journal);
    await publisher.start();
    housekeeping.start();
    const sweeping = setInterval(() => seats.sweep(), SWEEP);
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
                db,
                clock,
                journal,
                fleet: gateways,
                seats,
                statuses,
                expected,
                authfile: () => publisher.current,
              }),
            ),
      async close() {
        clearInterval(sweeping);
        await publisher.stop();
        await housekeeping.stop();
        await db.destroy();
      },
    };
  } catch (error) {
    await db.destroy();
    throw error;
  }
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

function publisherOf({ material, clock, journal }: ControlContext, db: Database, salt: CredentialSalt) {
  const { usageKey, authfileKey: signingKey } = material;
  return new AuthFilePublisher({ db, clock, journal, salt, usageKey, signingKey });
}

interface Parts {
  readonly db: Database;
  readonly salt: CredentialSalt;
  readonly seats: MemorySeats;
  readonly gateways: readonly FleetGateway[];
  readonly changed: () => void;
}

function servicesOf({ config, material, clock, random }: ControlContext, parts: Parts): PortalServices {
  const { db, salt, seats, gateways, changed } = parts;
  const locations = locationsOf(config.fleet?.locations ?? [], gateways);
  return {
    profile: profileOf(config, material),
    accounts: new AccountService({
      db,
      clock,
      random,
      salt,
      changed,
      offer: config.licence,
      failures: new Patience(clock, { burst: 20, perSecond: 5, longest: 10_000 }),
      signUps: new Patience(clock, { burst: 50, perSecond: 10, longest: 10_000 }),
    }),
    credentials: new CredentialService({ db, random, salt, changed }),
    devices: new DeviceService({ db, random, changed }),
    seats,
    locations: new SignedLocations(config.name, locations, material.locationsKey, clock),
    remembered: new RememberedService(db, seats, material.usageKey),
    activate: (activation) => storeActivation(db, activation, today(clock)),
  };
}

/** Pools, ports and inner addresses are the same in every plan, whatever an operator chooses. */
function profileOf(config: ControlConfig, { caCertificate, tlsCryptKey }: Material): ServiceProfile {
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

function publicFetch({ release, journal, mountPortal }: ControlContext, services: PortalServices): Fetch {
  const { inside } = services.profile;
  const surface: ApiServices = { ...services, wireguard: inside.tunnels.wireguard, journal };
  const forPrograms = fetchOf(api(surface, release));
  const forPeople = mountPortal === undefined ? forPrograms : fetchOf(mountPortal(services));
  return (request) => {
    const { pathname } = new URL(request.url);
    return /^\/(api\/|openapi\.json$)/.test(pathname) ? forPrograms(request) : forPeople(request);
  };
}

function fetchOf(app: { readonly fetch: Fetch }): Fetch {
  return (request) => app.fetch(request);
}
