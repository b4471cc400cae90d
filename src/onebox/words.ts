// SPDX-License-Identifier: AGPL-3.0-or-later
import { isIP, isIPv4 } from 'node:net';
import { MOST_ACCOUNTS } from '../control/program/config.ts';
import type { Address } from './machine.os.ts';
import type { GatewayOptions } from './options.ts';

/** Why a word of the operator is not taken: what it must look like, with an example. */
export interface WordProblem {
  readonly problem: string;
}

/** `127.0.0.1:8080` or `[::1]:8080`. A name is refused: it could mean another address tomorrow. */
export function readListen(text: string): Address | WordProblem {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3]);
  if (isIP(host) === (match?.[1] === undefined ? 4 : 6) && port <= 65_535) return { host, port };
  return {
    problem: `${quoted(text)} is not ADDRESS:PORT. Write 127.0.0.1:8080 for this machine alone, or [::1]:8080.`,
  };
}

/** As {@link readListen}, for this machine alone. */
export function readHealth(text: string): Address | WordProblem {
  const read = readListen(text);
  if ('problem' in read || read.host === '::1' || read.host.startsWith('127.')) return read;
  return { problem: `${quoted(text)} is open to other machines. Write 127.0.0.1:8081.` };
}

/** What customers call the service: one line of at most sixty characters. */
export function readName(text: string): string | WordProblem {
  if (/^[^\p{Cc}]{1,60}$/u.test(text) && text.trim() === text) return text;
  return { problem: `${quoted(text)} is not a name. Write 1 to 60 characters, without blanks at the ends.` };
}

/** What the portal repeats to customers, `5 EUR a month`: one line of at most 120 characters. */
export function readSaid(text: string): string | WordProblem {
  if (/^[^\p{Cc}]{1,120}$/u.test(text) && text.trim() === text) return text;
  return {
    problem: `${quoted(text)} is not a line for customers. Write 1 to 120 characters, without blanks at the ends.`,
  };
}

/** The longest address that the portal links to. */
const LONGEST_LINK = 200;

/** `help@vpn.example` or a page, `https://vpn.example/help`. Gives what the portal links to. */
export function readContact(text: string): string | WordProblem {
  const address = /^(?:mailto:)?([\w.+-]+@[\w.-]+\.[a-zA-Z]+)$/.exec(text)?.[1];
  const link = address === undefined ? linkOf(text, /^https:$/) : `mailto:${address}`;
  if (link !== undefined && link.length <= LONGEST_LINK) return link;
  return {
    problem: `${quoted(text)} is not where customers write to. Write help@vpn.example or https://vpn.example/help.`,
  };
}

/** `https://code.example/lethe` */
export function readSourceUrl(text: string): string | WordProblem {
  return (
    linkOf(text, /^https?:$/) ?? {
      problem: `${quoted(text)} is not where the source is. Write it as https://code.example/lethe.`,
    }
  );
}

/** A link of one of these protocols, without a login in it and not without end. */
function linkOf(text: string, protocol: RegExp): string | undefined {
  const url = URL.parse(text);
  if (url === null || !protocol.test(url.protocol) || url.username !== '' || url.password !== '') return undefined;
  return url.href.length <= LONGEST_LINK ? url.href : undefined;
}

/** So many that an auth file holds them all. */
export function readAccounts(accounts: number): number | WordProblem {
  if (Number.isSafeInteger(accounts) && accounts >= 1 && accounts <= MOST_ACCOUNTS) return accounts;
  return { problem: `it is not how many accounts there may be. Write a number from 1 to ${MOST_ACCOUNTS}.` };
}

/** `ch-zrh:Zürich, Switzerland:CH` */
export function readLocation(text: string): GatewayOptions['location'] | WordProblem {
  const [, id, name, country] = /^([a-z0-9][a-z0-9-]{0,49}):([^:\p{Cc}]{1,120}):([A-Z]{2})$/u.exec(text) ?? [];
  if (id !== undefined && name !== undefined && country !== undefined && name.trim() === name)
    return { id, name, country };
  return { problem: `${quoted(text)} is not a location. Write it as 'ch-zrh:Zürich, Switzerland:CH'.` };
}

export function readPublic(text: string): string | WordProblem {
  return isIPv4(text) ? text : { problem: `${quoted(text)} is not an IPv4 address. Write it as 203.0.113.7.` };
}

/** `https://vpn.example`: what browsers ask, without a path. */
export function readOrigin(text: string): string | WordProblem {
  const url = URL.parse(text);
  if (url?.protocol === 'https:' && url.href === `${url.origin}/`) return url.origin;
  return { problem: `${quoted(text)} is not where browsers find the portal. Write it as https://vpn.example.` };
}

/** Addresses of resolvers, at least one. */
export function readForwarders(texts: readonly string[]): readonly string[] | WordProblem {
  const wrong = texts.find((text) => isIP(text) === 0);
  if (wrong !== undefined) return { problem: `${quoted(wrong)} is not an address of a resolver. Write it as 9.9.9.9.` };
  return texts.length > 0 ? texts : { problem: 'no resolver is named. Write one as 9.9.9.9, or leave it out.' };
}

/** What somebody typed, so that an error can repeat it: printable, and not much of it. */
function quoted(text: string): string {
  const printable = text.replace(/\p{Cc}/gu, '?');
  return `'${printable.length > 60 ? `${printable.slice(0, 60)}…` : printable}'`;
}
