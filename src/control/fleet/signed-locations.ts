// SPDX-License-Identifier: AGPL-3.0-or-later
import { z } from 'zod';
import { type MinisignKey, minisignature } from '../../bytes/formats/minisign.ts';
import { type Clock, isoDate, today } from '../../core/clock/clock.ts';
import { base64Key, country, port, word } from '../../core/configuration/words.ts';
import { leaving, record } from '../surface/record.ts';
import type { Location, PublicGateway } from './location.ts';

const GATEWAY = record('gateway', {
  name: z.string().max(120),
  address4: z.ipv4(),
  address6: z.union([z.ipv6(), z.literal('')]),
  openvpn_udp: port,
  openvpn_tcp: port,
  wireguard_port: port,
  wireguard_key: base64Key,
});

const LOCATION = record('location', {
  id: word,
  name: z.string().max(120),
  country: country,
  gateways: z.array(GATEWAY),
});

/** What programs read of every location. */
export const LOCATION_LIST = record('location_list', {
  service: z.string().max(60),
  date: z.iso.date(),
  locations: z.array(LOCATION),
});

/** The exact bytes of the published list, and its detached minisign signature. */
export interface SignedList {
  readonly document: string;
  readonly signature: string;
  readonly publicKey: string;
}

/** The list of locations, signed once a day so that an old copy can be told from a new one. */
export class SignedLocations {
  readonly #service: string;
  readonly #locations: readonly Location[];
  readonly #key: MinisignKey;
  readonly #clock: Clock;
  #signed: (SignedList & { readonly date: string }) | undefined;

  constructor(service: string, locations: readonly Location[], key: MinisignKey, clock: Clock) {
    this.#service = service;
    this.#locations = locations;
    this.#key = key;
    this.#clock = clock;
  }

  list(): readonly Location[] {
    return this.#locations;
  }

  signed(): SignedList {
    const date = isoDate(today(this.#clock));
    if (this.#signed?.date !== date) this.#signed = { date, ...this.#sign(date) };
    return this.#signed;
  }

  #sign(date: string): SignedList {
    const locations = this.#locations.map(({ gateways, ...location }) => ({
      ...location,
      gateways: gateways.map(published),
    }));
    const document = leaving(LOCATION_LIST, { service: this.#service, date, locations });
    const signature = minisignature(this.#key, Buffer.from(document), `locations ${date}`);
    return { document, signature, publicKey: this.#key.publicKey };
  }
}

/** What pages and API see of it. */
export type Locations = Pick<SignedLocations, keyof SignedLocations>;

function published({ name, address4, address6, openvpn, wireguard }: PublicGateway) {
  return {
    name,
    address4,
    address6: address6 ?? '',
    openvpn_udp: openvpn.udp,
    openvpn_tcp: openvpn.tcp,
    wireguard_port: wireguard.port,
    wireguard_key: wireguard.publicKey,
  };
}
