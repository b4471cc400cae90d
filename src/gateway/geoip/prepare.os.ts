// SPDX-License-Identifier: AGPL-3.0-or-later
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { replaceFile } from '../../host/files/replace.os.ts';
import { Networks, sourceOf, writeNetworks } from './networks.ts';
import { networksFromCsv, sourceOfCsv } from './networks-csv.ts';

export interface GeoipPaths {
  readonly country: string;
  readonly networks: string;
}

/** The files with the data that this software brings along. */
export interface GeoipSource {
  readonly country: string;
  readonly csv4: string;
  readonly csv6: string;
}

/** The pinned npm packages. */
export function bundledGeoip(): GeoipSource {
  const path = (name: string) => fileURLToPath(import.meta.resolve(`@ip-location-db/${name}`));
  return {
    country: path('dbip-country-mmdb/dbip-country.mmdb'),
    csv4: path('asn/asn-ipv4.csv'),
    csv6: path('asn/asn-ipv6.csv'),
  };
}

/**
 * Makes the data ready for gateways: the country file as it is, and the list of networks compiled into one table in
 * `directory`. The table is made again only when its source has changed; a reader sees the old or the new one.
 */
export function prepareGeoip(directory: string, source: GeoipSource = bundledGeoip()): GeoipPaths {
  const networks = join(directory, 'networks.table');
  const csv4 = readFileSync(source.csv4);
  const csv6 = readFileSync(source.csv6);
  if (!isMadeFrom(networks, sourceOfCsv(csv4, csv6))) {
    mkdirSync(directory, { recursive: true });
    replaceFile(networks, writeNetworks(networksFromCsv(csv4, csv6)), { mode: 0o644 });
  }
  return { country: source.country, networks };
}

/** Writes the names of a prepared table, one a line, for control, which takes no other from a gateway. Gives the path. */
export function prepareNetworkNames(directory: string, source?: GeoipSource): string {
  const { networks } = prepareGeoip(directory, source);
  const path = join(directory, 'networks.names');
  const names = Networks.open(readFileSync(networks))?.names() ?? [];
  replaceFile(path, `${names.join('\n')}\n`, { mode: 0o644 });
  return path;
}

function isMadeFrom(path: string, source: Uint8Array): boolean {
  try {
    const made = sourceOf(readFileSync(path));
    return made !== undefined && Buffer.compare(made, source) === 0;
  } catch {
    return false;
  }
}
