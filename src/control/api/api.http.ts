// SPDX-License-Identifier: AGPL-3.0-or-later
import type { OpenAPIHono } from '@hono/zod-openapi';
import { LOCATION_LIST } from '../fleet/signed-locations.ts';
import { serveAccounts, serveLeaving } from './account.http.ts';
import { serveActivations, serveLicence } from './customer.http.ts';
import { serveDevices } from './device.http.ts';
import { Door } from './door.ts';
import type { ApiServices } from './services.ts';

/** Whose API it is, and of which version of the program. */
export interface ApiTitle {
  readonly service: string;
  readonly release: string;
}

/** Version 1 of the API, with its description at `/openapi.json`. */
export function api(services: ApiServices, { service, release }: ApiTitle): OpenAPIHono {
  const door = new Door(services.accounts, services.journal);
  serveAccounts(door, services);
  serveLeaving(door, services);
  serveLicence(door, services);
  serveDevices(door, services);
  serveLocations(door, services);
  serveActivations(door, services);
  door.close(service, release);
  return door.app;
}

function serveLocations(door: Door, { locations }: ApiServices): void {
  const path = '/api/v1/locations';
  const list = { summary: 'Every location and its gateways.', type: 'application/json', schema: LOCATION_LIST };
  door.publish(path, list, () => locations.signed().document);
  const signature = { summary: 'The signature of that list.', type: 'text/plain' };
  door.publish(`${path}.minisig`, signature, () => locations.signed().signature);
  door.publish(`${path}.pub`, { summary: 'The key that minisign verifies it with.', type: 'text/plain' }, () => {
    return `untrusted comment: minisign public key\n${locations.signed().publicKey}\n`;
  });
}
