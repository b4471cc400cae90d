// SPDX-License-Identifier: AGPL-3.0-or-later

/** One gateway as the public list names it. */
export interface PublicGateway {
  /** DNS name in its certificate. */
  readonly name: string;
  readonly address4: string;
  readonly address6?: string;
  readonly openvpn: { readonly udp: number; readonly tcp: number };
  readonly wireguard: { readonly port: number; readonly publicKey: string };
}

/** A group of gateways in one place: what a customer chooses, and the finest place that a usage event names. */
export interface Location {
  /** `ch-zrh` */
  readonly id: string;
  /** `Zürich, Switzerland` */
  readonly name: string;
  /** ISO 3166-1 alpha-2 */
  readonly country: string;
  readonly gateways: readonly PublicGateway[];
}
