// SPDX-License-Identifier: AGPL-3.0-or-later

/** What the licences of the bundled data ask to be shown (CC BY 4.0). An operator's own data brings its own. */
export interface Attribution {
  readonly text: string;
  readonly url: string;
  readonly licence: string;
}

export const ATTRIBUTION: readonly Attribution[] = [
  { text: 'IP Geolocation by DB-IP', url: 'https://db-ip.com/', licence: 'CC BY 4.0' },
  { text: 'Networks from RouteViews', url: 'https://www.routeviews.org/', licence: 'CC BY 4.0' },
  { text: 'Networks from the NRO', url: 'https://www.nro.net/', licence: 'CC BY 4.0' },
];
