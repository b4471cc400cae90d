// SPDX-License-Identifier: AGPL-3.0-or-later
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { replaceFile } from '../host/files/replace.os.ts';
import { EXIT } from '../host/terminal/exit.ts';
import { CannotStart } from './machine.os.ts';
import {
  type Change,
  changes,
  type FileWords,
  type FlagWords,
  overlay,
  parseWords,
  readSettings,
  type Settings,
  type Words,
  wordsOf,
} from './settings.ts';

/** Flags that say which service is meant. */
export interface PlaceFlags {
  /** Data directory. */
  readonly data?: string;
  /** Configuration file. */
  readonly config?: string;
}

export interface SettingFlags extends PlaceFlags, FlagWords {
  /** Whether the operator knows what customers lose by a change. */
  readonly change?: boolean;
}

/** What the service is to be, as flags, configuration file and data directory say it together. */
export interface Settled {
  /** Data directory. */
  readonly directory: string;
  readonly settings: Settings;
  /** The same as it is written down. */
  readonly words: Words;
  /** How it differs from what the service was before. */
  readonly changes: readonly Change[];
}

/** Read by root when neither `--config` nor `--data` is given. */
const CONFIGURATION = '/etc/lethe/lethe.json';
const REMEMBERED = 'settings.json';

interface Place {
  readonly directory: string;
  /** Of the configuration file, if there is one. */
  readonly words: Words | undefined;
}

/** Finds the data directory. Throws {@link CannotStart} when the configuration file is not as it should be. */
export function findService(flags: PlaceFlags, uid: number | undefined, configuration = CONFIGURATION): Place {
  if (flags.data === '') throw new CannotStart('--data: no directory is named.', EXIT.usage);
  const file =
    flags.config ?? (flags.data === undefined && uid === 0 && existsSync(configuration) ? configuration : undefined);
  const words = file === undefined ? undefined : readWords(resolve(file), EXIT.usage);
  const directory = flags.data === undefined ? (words?.data ?? defaultDirectory(uid)) : resolve(flags.data);
  return { directory, words: words === undefined ? undefined : wordsOf(words) };
}

/**
 * Puts together what the service is to be. A flag is stronger than the configuration file, which is stronger than what the
 * data directory remembers of the last start: where there is a file, what it leaves out has its default. Throws
 * {@link CannotStart} with the first thing that is wrong, or when customers would lose something without `change`.
 */
export function settle(flags: SettingFlags, uid: number | undefined, configuration = CONFIGURATION): Settled {
  const { data: _data, config: _config, change = false, image, ...said } = flags;
  const spoken: FlagWords = { ...said, ...(typeof image === 'string' ? { image: resolve(image) } : { image }) };
  const wrong = readSettings(overlay({}, spoken));
  if ('problem' in wrong) throw new CannotStart(`--${wrong.setting}: ${wrong.problem}`, EXIT.usage);
  const { directory, words: file } = findService(flags, uid, configuration);
  const before = remembered(directory);
  const words = overlay(file ?? before ?? {}, spoken);
  const settings = readSettings(words);
  if ('problem' in settings) throw new CannotStart(`${settings.setting}: ${settings.problem}`, EXIT.usage);
  refuseIdle(spoken, settings);
  const differs = before === undefined ? [] : changes(before, words);
  if (!change && differs.some(({ loses }) => loses !== undefined))
    throw new CannotStart(unconfirmed(directory, differs), EXIT.unconfirmed);
  return { directory, settings, words, changes: differs };
}

/** A flag that would do nothing is a mistake. */
function refuseIdle(flags: FlagWords, { gateway, public: address }: Settings): void {
  if (flags['keep-443'] === true && address === undefined)
    throw new CannotStart('--keep-443: it belongs to --public; nothing else takes port 443.', EXIT.usage);
  if (typeof flags.public === 'string' && !gateway)
    throw new CannotStart('--public: it opens the gateway to the world, and there is none (--gateway).', EXIT.usage);
}

function unconfirmed(directory: string, differs: readonly Change[]): string {
  const losing = differs.filter(({ loses }) => loses !== undefined);
  return [
    `The service in ${directory} is set up otherwise:`,
    '',
    ...losing.flatMap(({ setting, from, to, loses }) => [`  ${setting}: ${from} → ${to}`, `    ${loses}`]),
    '',
    'Nothing was started or changed. Leave it out to go on as before, or say --change to do it.',
  ].join('\n');
}

/** What the service was at its last start; undefined before the first. */
export function remembered(directory: string): Words | undefined {
  const path = join(directory, REMEMBERED);
  return existsSync(path) ? wordsOf(readWords(path, EXIT.failed)) : undefined;
}

/** Keeps the settings beside the data that depend on them. */
export function remember(directory: string, words: Words): void {
  mkdirSync(directory, { recursive: true });
  replaceFile(join(directory, REMEMBERED), `${JSON.stringify(words, null, 2)}\n`, { mode: 0o600 });
}

function readWords(path: string, exit: typeof EXIT.usage | typeof EXIT.failed): FileWords {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new CannotStart(`${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`, exit);
  }
  const words = parseWords(text);
  if ('problem' in words) throw new CannotStart(`${path}: ${words.problem}`, exit);
  return words;
}

/** Root's data belong to the machine, anybody else's to themselves. */
function defaultDirectory(uid: number | undefined): string {
  return uid === 0 ? '/var/lib/lethe' : join(homedir(), '.local', 'share', 'lethe');
}
