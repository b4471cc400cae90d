// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Hono } from 'hono';
import type { Customer } from '../accounts/account.ts';
import type { Device } from '../accounts/device.ts';
import type { Location } from '../fleet/location.ts';
import { shortName, stem } from '../profiles/profile.ts';
import { wireguardProfile } from '../profiles/wireguard.ts';
import { forSession } from './account.http.ts';
import { type Configuration, devicePage } from './configurations.page.ts';
import { offered, type PortalContext, type PortalEnv, refuse, show } from './context.http.ts';
import { deviceName } from './device-names.ts';
import { devicePath, devicesPage, keyInPath, removePage } from './devices.page.ts';
import { handOut, handOutTogether, inFolder } from './handout.http.ts';
import { chosenOf } from './places.page.ts';

/** Hostile input: any key in the path. */
async function deviceAt(context: PortalContext, customer: Customer, key: string): Promise<Device | undefined> {
  const devices = await context.services.devices.list(customer);
  return devices.find((device) => keyInPath(device.publicKey) === key);
}

function configurations(context: PortalContext, device: Device, locations: readonly Location[]): Configuration[] {
  const { services } = context;
  return locations.flatMap((location) =>
    location.gateways.map((gateway) => ({
      location,
      gateway,
      ...wireguardProfile(services.profile, location, gateway, device.host),
    })),
  );
}

/** Nothing longer is given back to the field. */
const LONGEST = 200;

/** WireGuard keys: the customer brings the public one, and gets a file for each gateway. */
export function deviceRoutes(app: Hono<PortalEnv>, context: PortalContext): void {
  const { changes, devices } = context.services;
  app.get(
    '/account/devices',
    forSession(context, async (c, session) => {
      const list = await devices.list(session.customer);
      return show(c, context, (view) => devicesPage(view, session, { devices: list, locations: offered(context) }));
    }),
  );
  app.post(
    '/account/devices',
    forSession(context, async (c, session) => {
      if (!changes.spend(session.customer.account)) return refuse(c, context, 'busy');
      const form = c.get('form');
      const typed = (form.get('publicKey') ?? '').trim();
      const answer = await devices.add(session.customer, typed);
      const locations = offered(context);
      if (typeof answer !== 'string') {
        const chosen = locations.find(({ id }) => id === form.get('location'));
        return c.redirect(chosen === undefined ? devicePath(answer) : `${devicePath(answer)}/${chosen.id}`, 303);
      }
      const list = await devices.list(session.customer);
      const refused = { why: answer, typed: typed.slice(0, LONGEST) };
      return show(c, context, (view) => devicesPage(view, session, { devices: list, locations, refused }), 422);
    }),
  );
  app.post(
    '/account/devices/remove',
    forSession(context, async (c, { customer }) => {
      if (!changes.spend(customer.account)) return refuse(c, context, 'busy');
      const removed = await devices.remove(customer, c.get('form').get('publicKey') ?? '');
      return removed ? c.redirect('/account/devices', 303) : refuse(c, context, 'not_found');
    }),
  );
  app.get(
    '/account/devices/:key/remove',
    forSession(context, async (c, session) => {
      const device = await deviceAt(context, session.customer, c.req.param('key') ?? '');
      if (device === undefined) return refuse(c, context, 'not_found');
      return show(c, context, (view) => removePage(view, session, device));
    }),
  );
  app.get(
    '/account/devices/:key/zip',
    forSession(context, async (c, { customer }) => {
      const device = await deviceAt(context, customer, c.req.param('key') ?? '');
      if (device === undefined) return refuse(c, context, 'not_found');
      const files = offered(context).flatMap((location) =>
        inFolder(location, configurations(context, device, [location])),
      );
      const name = `${stem(context.services.profile.name, 24)}-wireguard-${stem(deviceName(device.publicKey), 40)}`;
      return handOutTogether(c, name, files);
    }),
  );
  app.get(
    '/account/devices/:key/:location?',
    forSession(context, async (c, { customer }) => {
      const { key = '', location: wanted } = c.req.param();
      const device = await deviceAt(context, customer, key);
      const locations = offered(context);
      const chosen = chosenOf(locations, wanted);
      if (device === undefined || (wanted !== undefined && chosen?.id !== wanted)) {
        return refuse(c, context, 'not_found');
      }
      const shown = configurations(context, device, chosen === undefined ? [] : [chosen]);
      return show(c, context, (view) => devicePage(view, device, { locations, chosen, configurations: shown }));
    }),
  );
  app.get(
    '/account/devices/:key/:location/:gateway',
    forSession(context, async (c, { customer }) => {
      const { key = '', location, gateway } = c.req.param();
      const device = await deviceAt(context, customer, key);
      const found =
        device &&
        configurations(context, device, context.services.locations.list()).find(
          (item) => item.location.id === location && shortName(item.gateway) === gateway,
        );
      return found === undefined ? refuse(c, context, 'not_found') : handOut(c, found);
    }),
  );
}
