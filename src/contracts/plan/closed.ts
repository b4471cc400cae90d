// SPDX-License-Identifier: AGPL-3.0-or-later

/**
 * Networks that are not the Internet (RFC 6890): no customer may go there, and no public name may lead there. The firewall
 * and the resolver are rendered from this one list. It holds the gateway's own pools and every management network.
 */
export const CLOSED4 = [
  // "This host": what connects to it is the machine itself.
  '0.0.0.0/8',
  '10.0.0.0/8',
  // Carrier-grade NAT.
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  // Benchmarks.
  '198.18.0.0/15',
  // Multicast and reserved space, with the broadcast address.
  '224.0.0.0/3',
] as const;

export const CLOSED6 = [
  // ::, ::1, and the old form of an IPv4 address.
  '::/96',
  '::ffff:0:0/96',
  // Translated and tunnelled IPv4: NAT64, Teredo, 6to4. Each can mean any address of the list above.
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '2001::/32',
  '2002::/16',
  '100::/64',
  'fc00::/7',
  'fe80::/10',
  // Site-local, before fc00::/7.
  'fec0::/10',
  'ff00::/8',
] as const;
