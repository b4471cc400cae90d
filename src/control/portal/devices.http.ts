// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Hono } from 'hono';
import { shortName } from '../profiles/profile.ts';
import { wireguardProfile } from '../profiles/wireguard.ts';
import type { Customer, Device } from '../program/services.ts';
import { forSession } from './account.http.ts';
import { type Configuration, devicePage, devicesPage, keyInPath } from './devices.page.ts';
import { handOut } from './downloads.http.ts';
import { type Carried, type House, refuse, show } from './house.http.ts';

/** Hostile input: any key in the path. */
async function deviceAt(house: House, customer: Customer, key: string): Promise<Device | undefined> {
  const devices = await house.services.devices.list(customer);
  return devices.find((device) => keyInPath(device.publicKey) === key);
}

function configurations({ services }: House, device: Device): Configuration[] {
  return services.locations.list().flatMap((location) =>
    location.gateways.map((gateway) => ({
      location,
      gateway,
      ...wireguardProfile(services.profile, location, gateway, device.host),
    })),
  );
}

/** WireGuard keys: the customer brings the public one, and gets a file for each gateway. */
export function deviceRoutes(app: Hono<Carried>, house: House): void {
  const { devices } = house.services;
  app.get(
    '/account/devices',
    forSession(house, async (c, session) => {
      const list = await devices.list(session.customer);
      return show(c, house, (view) => devicesPage(view, session, list));
    }),
  );
  app.post(
    '/account/devices',
    forSession(house, async (c, session) => {
      const answer = await devices.add(session.customer, (c.get('form').get('publicKey') ?? '').trim());
      if (typeof answer !== 'string') return c.redirect(`/account/devices/${keyInPath(answer.publicKey)}`, 303);
      const list = await devices.list(session.customer);
      return show(c, house, (view) => devicesPage(view, session, list, answer), 422);
    }),
  );
  app.post(
    '/account/devices/remove',
    forSession(house, async (c, { customer }) => {
      const removed = await devices.remove(customer, c.get('form').get('publicKey') ?? '');
      return removed ? c.redirect('/account/devices', 303) : refuse(c, house, 'absent');
    }),
  );
  app.get(
    '/account/devices/:key',
    forSession(house, async (c, { customer }) => {
      const device = await deviceAt(house, customer, c.req.param('key') ?? '');
      if (device === undefined) return refuse(c, house, 'absent');
      return show(c, house, (view) => devicePage(view, device, configurations(house, device)));
    }),
  );
  app.get(
    '/account/devices/:key/:location/:gateway',
    forSession(house, async (c, { customer }) => {
      const { key = '', location, gateway } = c.req.param();
      const device = await deviceAt(house, customer, key);
      const found =
        device &&
        configurations(house, device).find(
          (item) => item.location.id === location && shortName(item.gateway) === gateway,
        );
      return found === undefined ? refuse(c, house, 'absent') : handOut(c, found);
    }),
  );
}
