// SPDX-License-Identifier: AGPL-3.0-or-later
import { z } from 'zod';
import { address, hostName, port, word } from '../../core/configuration/words.ts';
import { PROTOCOLS, type Protocol } from '../../core/sessions/session.ts';
import { IMAGE_USERS } from './plan.ts';

const tunnel = z.strictObject({
  device: word.max(15),
  port,
  pool4: z.cidrv4(),
  pool6: z.cidrv6(),
});

const uid = z.int().min(0).max(0xffff_fffe);

/** The schema of `GatewayPlan`: nothing in it can be more than it says, for it becomes configuration of daemons. */
export const PLAN_SCHEMA = z.strictObject({
  gateway: word,
  location: word,
  name: hostName,
  address4: z.ipv4(),
  address6: z.ipv6().optional(),
  listen4: z.ipv4(),
  /** An interface of Linux has at most 15 characters. */
  uplink: word.max(15),
  service4: z.ipv4(),
  service6: z.ipv6(),
  heartbeatPort: port,
  tunnels: z.strictObject(
    Object.fromEntries(PROTOCOLS.map((name) => [name, tunnel])) as Record<Protocol, typeof tunnel>,
  ),
  forwarders: z.union([z.literal('root'), z.array(address).min(1).readonly()]),
  esp: z.enum(['kernel', 'libipsec']),
  users: z
    .strictObject({ agent: uid, resolver: uid, openvpn: uid, charon: uid, activation: uid.optional() })
    .default(IMAGE_USERS),
});

const { forwarders, esp, users } = PLAN_SCHEMA.shape;

/** The schema of `GatewayChoice`: what of a plan an operator chooses. */
export const CHOICE_SCHEMA = PLAN_SCHEMA.pick({
  gateway: true,
  location: true,
  name: true,
  address4: true,
  address6: true,
  uplink: true,
}).extend({
  listen4: z.ipv4().optional(),
  openvpnTcpPort: port.optional(),
  forwarders: forwarders.default('root'),
  esp: esp.default('kernel'),
  users,
});
