// SPDX-License-Identifier: AGPL-3.0-or-later
import type { OpenAPIHono } from '@hono/zod-openapi';
import { serveAccounts, serveLeaving } from './account.http.ts';
import { serveActivations, serveLicence } from './customer.http.ts';
import { serveDevices } from './device.http.ts';
import { Door } from './door.ts';
import type { ApiServices } from './services.ts';

/** Version 1 of the API, with its description at `/openapi.json`. */
export function api(services: ApiServices, release: string): OpenAPIHono {
  const door = new Door(services.accounts, services.journal);
  serveAccounts(door, services);
  serveLeaving(door, services);
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
