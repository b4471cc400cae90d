// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Hono } from 'hono';
import type { Location } from '../fleet/location.ts';
import { appleProfile } from '../profiles/apple.ts';
import { openvpnProfile } from '../profiles/openvpn.ts';
import { type Login, type Profile, type ProfileMaterial, shortName, stem } from '../profiles/profile.ts';
import { authorityFile, sswanProfile, swanctlProfile } from '../profiles/strongswan.ts';
import { forSession } from './account.http.ts';
import { offered, type PortalContext, type PortalEnv, refuse } from './context.http.ts';
import { ARCHIVES, type Archive } from './downloads.page.ts';
import { handOut, handOutTogether, inFolder } from './handout.http.ts';

/** Every file of one kind that a location has. */
const ALL_OF: Readonly<Record<Archive, (material: ProfileMaterial, location: Location) => readonly Profile[]>> = {
  openvpn: (material, location) => [
    openvpnProfile(material, location, 'udp'),
    openvpnProfile(material, location, 'tcp'),
  ],
  apple: (material, location) => [appleProfile(material, location)],
  android: (material, location) => location.gateways.map((gateway) => sswanProfile(material, location, gateway)),
  swanctl: (material, location) => [swanctlProfile(material, location)],
};

const BY_KIND: ReadonlyMap<string, (material: ProfileMaterial, location: Location) => Profile> = new Map([
  ['openvpn-udp', (material, location) => openvpnProfile(material, location, 'udp')],
  ['openvpn-tcp', (material, location) => openvpnProfile(material, location, 'tcp')],
  ['apple', (material: ProfileMaterial, location: Location) => appleProfile(material, location)],
  ['swanctl', swanctlProfile],
]);

/** Files that have the login inside, where the customer asks for that. */
const WITH_LOGIN: ReadonlyMap<string, (material: ProfileMaterial, location: Location, login: Login) => Profile> =
  new Map([
    ['apple', appleProfile],
    ['openvpn-udp', (material, location, login) => openvpnProfile(material, location, 'udp', login)],
    ['openvpn-tcp', (material, location, login) => openvpnProfile(material, location, 'tcp', login)],
  ]);

/** VPN usernames and passwords as the service makes them; anything else did not come from its pages. */
const LOGIN = /^[0-9A-Za-z_-]{8,64}$/;

/** Files for stock clients. Only customers get them, for the tls-crypt key is shared among customers. */
export function downloadRoutes(app: Hono<PortalEnv>, context: PortalContext): void {
  const { locations, profile } = context.services;
  const locationAt = (id: string) => locations.list().find((location) => location.id === id);
  app.get(
    '/download/authority',
    forSession(context, (c) => handOut(c, authorityFile(profile))),
  );
  for (const kind of ARCHIVES) {
    app.get(
      `/download/zip/${kind}`,
      forSession(context, (c) => {
        const files = offered(context).flatMap((location) => inFolder(location, ALL_OF[kind](profile, location)));
        const authority = kind === 'swanctl' ? [authorityFile(profile)] : [];
        return handOutTogether(c, `${stem(profile.name, 24)}-${kind}`, [...files, ...authority]);
      }),
    );
  }
  app.get(
    '/download/:location/:kind',
    forSession(context, (c) => {
      const { location = '', kind = '' } = c.req.param();
      const place = locationAt(location);
      const make = BY_KIND.get(kind);
      return place && make ? handOut(c, make(profile, place)) : refuse(c, context, 'not_found');
    }),
  );
  app.get(
    '/download/:location/android/:gateway',
    forSession(context, (c) => {
      const { location = '', gateway = '' } = c.req.param();
      const place = locationAt(location);
      const found = place?.gateways.find((item) => shortName(item) === gateway);
      return place && found ? handOut(c, sswanProfile(profile, place, found)) : refuse(c, context, 'not_found');
    }),
  );
  for (const [kind, make] of WITH_LOGIN) {
    app.post(
      `/download/${kind}`,
      forSession(context, (c) => {
        const place = locationAt(c.get('form').get('location') ?? '');
        const username = c.get('form').get('username') ?? '';
        const password = c.get('form').get('password') ?? '';
        if (place === undefined) return refuse(c, context, 'not_found');
        if (!LOGIN.test(username) || !LOGIN.test(password)) return refuse(c, context, 'malformed_form');
        return handOut(c, make(profile, place, { username, password }));
      }),
    );
  }
}
