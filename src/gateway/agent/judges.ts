// SPDX-License-Identifier: AGPL-3.0-or-later
import { type Entry, type Finding, type Judge, judgeDirectory, knownEntries } from '../../core/configuration/judge.ts';
import { RESOLVER_JUDGE } from '../tunnels/dns/nologging.ts';
import { FIREWALL_JUDGE } from '../tunnels/firewall/nologging.ts';
import type { TunnelProtocol } from '../tunnels/protocol.ts';
import { TUNNEL_PROTOCOLS } from '../tunnels/protocols.ts';
import { AGENT_JUDGE, CLOSED_DIRECTORY } from './nologging.ts';

/** Every judge of a gateway with these protocols: together they must know each of its files. */
export function gatewayJudges(protocols: readonly TunnelProtocol[]): readonly Judge[] {
  return [...new Set([AGENT_JUDGE, FIREWALL_JUDGE, RESOLVER_JUDGE, ...protocols.map(({ judge }) => judge)])];
}

export const GATEWAY_JUDGES = gatewayJudges(TUNNEL_PROTOCOLS);

/** Whether a directory below a gateway's is looked into. */
export function isEntered(directory: string): boolean {
  return directory !== CLOSED_DIRECTORY;
}

/** What is wrong with anything below a gateway's directory. */
export function judgeGateway(entries: readonly Entry[], judges: readonly Judge[] = GATEWAY_JUDGES): Finding[] {
  return judgeDirectory(entries, judges);
}

/**
 * A finding's file as a word for the journal. A name that is none of ours is not repeated, for whatever wrote the file may
 * have named it after a customer: `keys.unknown` is such a file in the directory of keys.
 */
export function wordFor({ file }: Finding): string {
  const known = knownEntries(GATEWAY_JUDGES);
  const ours = Object.hasOwn(known, file) || GATEWAY_JUDGES.some(({ files }) => files.includes(file));
  if (ours) return file.replaceAll('/', '.');
  const directory = file.slice(0, Math.max(0, file.lastIndexOf('/')));
  return Object.hasOwn(known, directory) ? `${directory}.unknown` : 'unknown';
}
