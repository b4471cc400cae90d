// SPDX-License-Identifier: AGPL-3.0-or-later

import { type MinisignKey, minisignature } from '../../bytes/formats/minisign.ts';
import { type Clock, isoDate, today } from '../../core/clock/clock.ts';
import type { Location, Locations, PublicGateway } from '../fleet/location.ts';
import { leaving } from './record.ts';
import { LocationList } from './schemas.ts';

type Signed = ReturnType<Locations['signed']>;

/** The list of locations (S2), signed once a day so that an old copy can be told from a new one. */
export class SignedLocations implements Locations {
  readonly #service: string;
  readonly #locations: readonly Location[];
  readonly #key: MinisignKey;
  readonly #clock: Clock;
  #signed: (Signed & { readonly date: string }) | undefined;

  constructor(service: string, locations: readonly Location[], key: MinisignKey, clock: Clock) {
    this.#service = service;
    this.#locations = locations;
    this.#key = key;
    this.#clock = clock;
  }

  list(): readonly Location[] {
    return this.#locations;
  }

  signed(): Signed {
    const date = isoDate(today(this.#clock));
    if (this.#signed?.date !== date) this.#signed = { date, ...this.#sign(date) };
    return this.#signed;
  }

  #sign(date: string): Signed {
    const locations = this.#locations.map(({ gateways, ...location }) => ({
      ...location,
      gateways: gateways.map(published),
    }));
    const document = leaving(LocationList, { service: this.#service, date, locations });
    const signature = minisignature(this.#key, Buffer.from(document), `locations ${date}`);
    return { document, signature, publicKey: this.#key.publicKey };
  }
}

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
