// SPDX-License-Identifier: AGPL-3.0-or-later
import { type Entry, type Finding, type Judge, judgeDirectory } from '../../core/configuration/judge.ts';
import { RESOLVER_JUDGE } from '../tunnels/dns/nologging.ts';
import { FIREWALL_JUDGE } from '../tunnels/firewall/nologging.ts';
import { IKEV2_JUDGE } from '../tunnels/ikev2/nologging.ts';
import { OPENVPN_JUDGE } from '../tunnels/openvpn/nologging.ts';
import { WIREGUARD_JUDGE } from '../tunnels/wireguard/nologging.ts';
import { AGENT_JUDGE, CLOSED_DIRECTORY, KNOWN_ENTRIES } from './nologging.ts';

/** Every judge of a gateway: together they must know each of its files. */
export const GATEWAY_JUDGES: readonly Judge[] = [
  AGENT_JUDGE,
  FIREWALL_JUDGE,
  RESOLVER_JUDGE,
  OPENVPN_JUDGE,
  IKEV2_JUDGE,
  WIREGUARD_JUDGE,
];

/** Whether a directory below a gateway's is looked into. */
export function isEntered(directory: string): boolean {
  return directory !== CLOSED_DIRECTORY;
}

/** What is wrong with all that lies below a gateway's directory. */
export function judgeGateway(entries: readonly Entry[], judges: readonly Judge[] = GATEWAY_JUDGES): Finding[] {
  return judgeDirectory(entries, { judges, known: KNOWN_ENTRIES });
}

/**
 * A finding's file as a word for the journal. A name that is none of ours is not repeated, for whatever wrote the file may
 * have named it after a customer: `keys.unknown` is such a file in the directory of keys.
 */
export function wordFor({ file }: Finding): string {
  const ours = Object.hasOwn(KNOWN_ENTRIES, file) || GATEWAY_JUDGES.some(({ files }) => files.includes(file));
  if (ours) return file.replaceAll('/', '.');
  const directory = file.slice(0, Math.max(0, file.lastIndexOf('/')));
  return Object.hasOwn(KNOWN_ENTRIES, directory) ? `${directory}.unknown` : 'unknown';
}
