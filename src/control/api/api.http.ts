// SPDX-License-Identifier: AGPL-3.0-or-later
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { TunnelPlan } from '../../contracts/plan/plan.ts';
import type { Journal } from '../../core/journal/journal.ts';
import type { Accounts } from '../accounts/account.ts';
import type { Credentials } from '../accounts/credential.ts';
import type { Devices } from '../accounts/device.ts';
import type { Remembered } from '../accounts/remembered.ts';
import type { Locations } from '../fleet/location.ts';
import type { Activation } from '../installs/activation.store.ts';
import type { LiveSeats } from '../seats/seats.ts';
import { serveAccounts } from './account.http.ts';
import { serveActivations, serveLicence } from './customer.http.ts';
import { serveDevices } from './device.http.ts';
import { Door } from './door.ts';

/** What the API works with. */
export interface ApiServices {
  readonly accounts: Accounts;
  readonly credentials: Credentials;
  readonly devices: Devices;
  readonly seats: Pick<LiveSeats, 'used'>;
  readonly locations: Locations;
  readonly remembered: Remembered;
  readonly activate: (activation: Activation) => Promise<void>;
  /** Where devices have their addresses. */
  readonly wireguard: Pick<TunnelPlan, 'pool4' | 'pool6'>;
  readonly journal: Journal;
}

/** Version 1 of the API (S2), with its description at `/openapi.json`. */
export function api(services: ApiServices, release: string): OpenAPIHono {
  const door = new Door(services.accounts, services.journal);
  serveAccounts(door, services);
  serveLicence(door, services);
  serveDevices(door, services);
  serveLocations(door, services);
  serveActivations(door, services);
  door.close('Lethe', release);
  return door.app;
}

function serveLocations(door: Door, { locations }: ApiServices): void {
  const path = '/api/v1/locations';
  door.publish(path, 'Every location and its gateways.', 'application/json', () => locations.signed().document);
  door.publish(`${path}.minisig`, 'The signature of that list.', 'text/plain', () => locations.signed().signature);
  door.publish(`${path}.pub`, 'The key that minisign verifies it with.', 'text/plain', () => {
    return `untrusted comment: minisign public key\n${locations.signed().publicKey}\n`;
  });
}
