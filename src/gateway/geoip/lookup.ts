// SPDX-License-Identifier: AGPL-3.0-or-later
import { Mmdb, mmdbPath } from '../../bytes/formats/mmdb.ts';
import { countryCode, ispName } from '../../contracts/usage/isp.ts';
import type { Origin } from '../../core/sessions/session.ts';
import { Networks } from './networks.ts';
import type { OriginLookup } from './origin.ts';

/** Where the databases that are around keep the code of a country: MaxMind and DB-IP, ip-location-db, IPinfo. */
const COUNTRY = [mmdbPath('country', 'iso_code'), mmdbPath('country_code'), mmdbPath('country')];

/** And the name of a network's holder: MaxMind's ISP, MaxMind's and DB-IP's ASN, IPinfo, ip-location-db. */
const HOLDER = [
  mmdbPath('isp'),
  mmdbPath('autonomous_system_organization'),
  mmdbPath('as_name'),
  mmdbPath('name'),
  mmdbPath('organization'),
];

/** Gives a text for address bytes in place, or undefined. */
type Find = (bytes: Uint8Array, start: number, length: 4 | 16) => string | undefined;

export interface GeoipFiles {
  /** MMDB. */
  readonly country?: Uint8Array | undefined;
  /** MMDB, or a table that this software compiled. */
  readonly networks?: Uint8Array | undefined;
}

/**
 * A lookup over files held in memory, or which of them cannot be read. Nothing is cached: a cache would tell which
 * countries and networks customers have come from.
 */
export function openOriginLookup(files: GeoipFiles): OriginLookup | { readonly unreadable: 'country' | 'networks' } {
  const country = files.country === undefined ? nothing : inMmdb(files.country, COUNTRY);
  if (country === undefined) return { unreadable: 'country' };
  const holder = files.networks === undefined ? nothing : (inTable(files.networks) ?? inMmdb(files.networks, HOLDER));
  if (holder === undefined) return { unreadable: 'networks' };
  return {
    of: (bytes, start, length): Origin => ({
      country: countryCode(country(bytes, start, length) ?? ''),
      isp: ispName(holder(bytes, start, length) ?? ''),
    }),
  };
}

const nothing: Find = () => undefined;

function inTable(bytes: Uint8Array): Find | undefined {
  const networks = Networks.open(bytes);
  return networks === undefined ? undefined : (...address) => networks.holderOf(...address);
}

function inMmdb(bytes: Uint8Array, paths: readonly Uint8Array[][]): Find | undefined {
  const database = Mmdb.open(bytes);
  if (database === undefined) return undefined;
  return (...address) => {
    const found = database.find(...address);
    for (const path of paths) {
      const text = database.text(found, path);
      if (text !== undefined) return text;
    }
    return undefined;
  };
}
