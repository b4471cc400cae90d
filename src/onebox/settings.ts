// SPDX-License-Identifier: AGPL-3.0-or-later
import { z } from 'zod';
import { parseJson } from '../bytes/formats/json.ts';
import { USUAL_ACCOUNTS } from '../control/program/config.ts';
import { parseConfiguration } from '../core/configuration/configuration.ts';
import type { Address } from './machine.os.ts';
import type { GatewayOptions } from './options.ts';
import {
  readAccounts,
  readContact,
  readForwarders,
  readHealth,
  readListen,
  readLocation,
  readName,
  readOrigin,
  readPublic,
  readSaid,
  readSourceUrl,
  type WordProblem,
} from './words.ts';

/**
 * What an operator settles. A setting has one name and one grammar wherever it is written: it is the flag `--NAME`, the key
 * NAME of the configuration file, and the key NAME of what the data directory remembers.
 */
const SCHEMA = z.strictObject({
  /** The operator's name for the service. */
  name: z.string().optional(),
  /** Who runs the service, as the portal tells customers. */
  'operator-name': z.string().optional(),
  /** What it costs after the trial, as the portal tells customers. */
  price: z.string().optional(),
  /** Where customers write to. */
  contact: z.string().optional(),
  /** Where the source of what runs can be had, instead of from the portal. */
  'source-url': z.string().optional(),
  /** Where portal and API listen. */
  listen: z.string().optional(),
  /** Where /healthz answers, for this machine alone. */
  health: z.string().optional(),
  /** What browsers ask, where a proxy ends TLS. */
  origin: z.string().optional(),
  /** How many accounts there may be. */
  accounts: z.number().optional(),
  /** False: portal and API alone. */
  gateway: z.boolean().optional(),
  /** Place of the machine, as customers see it. */
  location: z.string().optional(),
  /** This machine's address for the world. */
  public: z.string().optional(),
  /** 443/tcp of that address stays with a web server of this machine. */
  'keep-443': z.boolean().optional(),
  /** Resolvers to ask instead of the root servers. */
  forwarder: z.array(z.string()).optional(),
  /** Directory of a signed release of the gateway image. */
  image: z.string().regex(/^\//, 'must be an absolute path').optional(),
});

/** A configuration file also says where the service's data are, which the data cannot remember. */
const FILE_SCHEMA = SCHEMA.extend({ data: z.string().regex(/^\//, 'must be an absolute path').optional() });

/** Settings as they are written down; what is not there has its default. */
export type Words = z.output<typeof SCHEMA>;
export type WordName = keyof Words;
export type FileWords = z.output<typeof FILE_SCHEMA>;

/** Settings as flags: `false` takes back one that has no default (`--no-public`). */
export type FlagWords = { readonly [Name in WordName]?: Words[Name] | false };

const DEFAULTS = {
  name: 'Lethe',
  listen: '127.0.0.1:8080',
  accounts: USUAL_ACCOUNTS,
  gateway: true,
  'keep-443': false,
  location: 'xx-home:This machine:XX',
} as const satisfies Words;

/** Settings with their meaning. */
export interface Settings {
  readonly name: string;
  readonly 'operator-name': string | undefined;
  readonly price: string | undefined;
  readonly contact: string | undefined;
  readonly 'source-url': string | undefined;
  readonly listen: Address;
  readonly health: Address | undefined;
  readonly origin: string | undefined;
  readonly accounts: number;
  readonly gateway: boolean;
  readonly location: GatewayOptions['location'];
  readonly public: string | undefined;
  readonly 'keep-443': boolean;
  readonly forwarder: readonly string[] | undefined;
  readonly image: string | undefined;
}

/** Which setting is wrong, and why. */
export interface SettingProblem extends WordProblem {
  readonly setting: WordName;
}

/** What flags say, over what is written down. */
export function overlay(written: Words, flags: FlagWords): Words {
  const words: Record<string, unknown> = { ...written };
  for (const [name, word] of Object.entries(flags)) {
    if (word === false && name !== 'gateway' && name !== 'keep-443') delete words[name];
    else if (word !== undefined) words[name] = word;
  }
  return words;
}

/** A setting without a default is read where it was said. */
function ifSaid<Word, Meaning>(word: Word | undefined, read: (word: Word) => Meaning): Meaning | undefined {
  return word === undefined ? undefined : read(word);
}

/** Reads every setting; the first that is wrong is said. */
export function readSettings(words: Words): Settings | SettingProblem {
  const read: { readonly [Name in WordName]: Settings[Name] | WordProblem } = {
    name: readName(words.name ?? DEFAULTS.name),
    'operator-name': ifSaid(words['operator-name'], readSaid),
    price: ifSaid(words.price, readSaid),
    contact: ifSaid(words.contact, readContact),
    'source-url': ifSaid(words['source-url'], readSourceUrl),
    listen: readListen(words.listen ?? DEFAULTS.listen),
    health: ifSaid(words.health, readHealth),
    origin: ifSaid(words.origin, readOrigin),
    accounts: readAccounts(words.accounts ?? DEFAULTS.accounts),
    gateway: words.gateway ?? DEFAULTS.gateway,
    location: readLocation(words.location ?? DEFAULTS.location),
    public: ifSaid(words.public, readPublic),
    'keep-443': words['keep-443'] ?? DEFAULTS['keep-443'],
    forwarder: ifSaid(words.forwarder, readForwarders),
    image: words.image,
  };
  for (const [setting, value] of Object.entries(read)) {
    if (typeof value === 'object' && 'problem' in value)
      return { setting: setting as WordName, problem: value.problem };
  }
  return read as Settings;
}

/** Reads a configuration file, or what is remembered. A problem names the line and the key. */
export function parseWords(text: string): FileWords | WordProblem {
  const words = parseConfiguration(FILE_SCHEMA, text);
  if ('problem' in words) return words;
  const settings = readSettings(wordsOf(words));
  if (!('problem' in settings)) return words;
  const json = parseJson(text);
  const line = 'lineOf' in json ? json.lineOf([settings.setting]) : 0;
  return { problem: `line ${line}: ${settings.setting}: ${settings.problem}` };
}

export function wordsOf({ data: _data, ...words }: FileWords): Words {
  return words;
}

/** What customers lose when a setting that the service already has becomes another one; others lose nothing. */
const LOSES: { readonly [Name in WordName]?: string } = {
  name: 'The portal and new files carry the new name; files that customers have, and the authority, keep the old one.',
  location: 'The gateway gets another certificate and another WireGuard key: files that customers have stop working.',
  public: 'The gateway gets another certificate and another WireGuard key: files that customers have stop working.',
  'keep-443': 'OpenVPN over TCP gets another port: files for it that customers have stop working.',
  image: "The gateway gets other keys: customers' WireGuard files stop working.",
  gateway: 'Without a gateway no customer can connect until it is back; files stay valid.',
};

export interface Change {
  readonly setting: WordName;
  readonly from: string;
  readonly to: string;
  /** Undefined: customers lose nothing. */
  readonly loses: string | undefined;
}

/** How settings differ from those that the service has. */
export function changes(from: Words, to: Words): Change[] {
  const before: Words = { ...DEFAULTS, ...from };
  const after: Words = { ...DEFAULTS, ...to };
  const names = Object.keys(SCHEMA.shape) as WordName[];
  return names
    .filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
    .map((setting) => ({
      setting,
      from: shown(before[setting]),
      to: shown(after[setting]),
      loses: setting === 'gateway' && after.gateway === true ? undefined : LOSES[setting],
    }));
}

function shown(word: Words[WordName]): string {
  if (word === undefined) return 'none';
  if (typeof word === 'boolean') return word ? 'yes' : 'no';
  return typeof word === 'object' ? word.join(', ') : String(word);
}
