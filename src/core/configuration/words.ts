// SPDX-License-Identifier: AGPL-3.0-or-later
import { z } from 'zod';

/*
 * What configuration files and messages between programs are made of. Each refusal says what a value must be, and never
 * repeats it.
 */

/** Member of a closed set, or a name that an operator chose: `zrh-01`, `eth0`, `0.1.0`. */
export const word = z
  .string()
  .max(64)
  .regex(/^[a-z0-9][a-z0-9._-]*$/, 'must be lower-case letters, digits, dots and dashes');

export const hostName = z
  .string()
  .max(253)
  .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)*$/, 'must be a DNS name');

export const absolutePath = z.string().regex(/^\//, 'must be an absolute path');

/** IPv4 or IPv6, never a name. */
export const address = z.union([z.ipv4(), z.ipv6()]);

export const port = z.int().min(1).max(65_535);

/** Where a program listens. Port 0 takes any free one; the ready line says which. */
export const listen = z.strictObject({ address, port: z.int().min(0).max(65_535) });

/** Whom a program becomes before it opens a port; never root. */
export const user = z.strictObject({ uid: z.int().min(1), gid: z.int().min(1) });

/** ISO 3166-1 alpha-2. */
export const country = z.string().regex(/^[A-Z]{2}$/, 'must be two capital letters');

/** 32 bytes in lower-case hex: a SHA-256, most often. */
export const hex32 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits');

/** 32 bytes in base64: a public key of Ed25519, X25519 or WireGuard. */
export const base64Key = z.string().regex(/^[0-9A-Za-z+/]{43}=$/, 'must be 32 bytes in base64');
