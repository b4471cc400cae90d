// SPDX-License-Identifier: AGPL-3.0-or-later
import { parseAddress } from '../../bytes/text/address.ts';
import { FIRST_HOST, type InnerPools, innerByte } from '../../core/sessions/inner.ts';
import type { TunnelPlan } from './plan.ts';

/** Hosts are numbered in 22 bits, whatever the pools hold: tables with a place for each host stay below 4 MiB. */
const MOST_HOSTS = 2 ** 22;

/** Throws a RangeError for a pool that is not `address/prefix`. */
export function innerPools({ pool4, pool6 }: Pick<TunnelPlan, 'pool4' | 'pool6'>): InnerPools {
  const four = network(pool4, 4);
  const six = network(pool6, 16);
  // The last IPv4 address of a network is its broadcast address.
  const hosts = Math.min(2 ** (32 - four.prefix) - 1, 2 ** Math.min(32, 128 - six.prefix), MOST_HOSTS);
  return { base4: four.base, base6: six.base, hosts };
}

/** The n-th addresses of the pools as text, a customer's or the gateway's. */
export function innerAddresses(
  tunnel: Pick<TunnelPlan, 'pool4' | 'pool6'>,
  host: number,
): readonly [address4: string, address6: string] {
  const { base4, base6, hosts } = innerPools(tunnel);
  if (!Number.isInteger(host) || host < 1 || host >= hosts) throw new RangeError('no such host in the pools');
  const groups = Array.from({ length: 8 }, (_, index) => {
    const group = (innerByte(base6, host, 2 * index) << 8) | innerByte(base6, host, 2 * index + 1);
    return group.toString(16);
  });
  const four = [0, 1, 2, 3].map((index) => innerByte(base4, host, index));
  return [four.join('.'), shortened(groups.join(':'))];
}

/** Writes both addresses of a host, 4 and 16 bytes. */
export function writeAddresses({ base4, base6 }: InnerPools, host: number, four: Uint8Array, six: Uint8Array): void {
  for (let i = 0; i < 4; i += 1) four[i] = innerByte(base4, host, i);
  for (let i = 0; i < 16; i += 1) six[i] = innerByte(base6, host, i);
}

/** The customer's host that has this address, 4 or 16 bytes in place; undefined for any other address. */
export function hostOf(pools: InnerPools, bytes: Uint8Array, start: number, length: 4 | 16): number | undefined {
  const base = length === 4 ? pools.base4 : pools.base6;
  let host = 0;
  for (let i = 0; i < length; i += 1) host = host * 256 + (bytes[start + i] as number) - (base[i] as number);
  return host >= FIRST_HOST && host < pools.hosts ? host : undefined;
}

/** RFC 5952 section 4.2: the first of the longest runs of zeros becomes `::`. */
function shortened(address: string): string {
  const runs = [...address.matchAll(/(?<![0-9a-f])0(?::0(?![0-9a-f]))+/g)].map((match) => match[0]);
  const longest = runs.toSorted((a, b) => b.length - a.length)[0];
  if (longest === undefined) return address;
  const at = address.search(new RegExp(`(?<![0-9a-f])${longest}(?![0-9a-f])`));
  const [before, after] = [address.slice(0, at), address.slice(at + longest.length)];
  return `${before.replace(/:$/, '')}::${after.replace(/^:/, '')}`;
}

function network(cidr: string, length: 4 | 16): { base: Uint8Array; prefix: number } {
  const [address = '', bits = ''] = cidr.split('/');
  const base = new Uint8Array(16);
  const text = new TextEncoder().encode(address);
  const prefix = /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
  if (parseAddress(text, 0, text.length, base) !== length || !(prefix <= 8 * length)) {
    throw new RangeError('a pool is a network in CIDR form');
  }
  return { base: base.slice(0, length), prefix };
}
