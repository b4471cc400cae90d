// SPDX-License-Identifier: AGPL-3.0-or-later
import type { UsageEvent } from '../../contracts/usage/event.ts';
import { type EpochDay, parseIsoDate } from '../../core/clock/clock.ts';
import { COUNTRIES } from './countries.ts';

/** What a day of a line of 10 Gbit/s carries, in megabytes: 27 bits, fewer than an address has. No session comes near. */
export const MOST_MEGABYTES = 1250 * 86_400;

/** Days that an event may have waited in the gateway, and by which its clock may be ahead. */
const OLDEST = 14;
const AHEAD = 1;

/** The names that the holder of a network may have; without a list, see {@link plainName}. */
export type NetworkNames = ReadonlySet<string> | undefined;

/**
 * What control stores of an event that a gateway sent, or undefined when no honest gateway says such a thing. A gateway is
 * known but not trusted: each field is held to what control knows itself, so that a taken one has no field for an address, a
 * name or a time. A network or a country that control does not know, as with data of another age, is `unknown`.
 */
export function believable(
  event: UsageEvent,
  known: { readonly location: string; readonly day: EpochDay; readonly names: NetworkNames },
): UsageEvent | undefined {
  const date = parseIsoDate(event.date);
  if (date === undefined || date < known.day - OLDEST || date > known.day + AHEAD) return undefined;
  if (event.location !== known.location || event.megabytes > MOST_MEGABYTES) return undefined;
  const country = COUNTRIES.has(event.country) ? event.country : 'unknown';
  const isp = (known.names?.has(event.isp) ?? plainName(event.isp)) ? event.isp : ('unknown' as UsageEvent['isp']);
  return { ...event, country, isp };
}

/** Letters of any script, blanks, a few signs and at most three digits: too few for an address or a time. */
function plainName(name: string): boolean {
  return /^[\p{L}\p{M}0-9 .,&'()/+-]+$/u.test(name) && (name.match(/[0-9]/g)?.length ?? 0) <= 3;
}
