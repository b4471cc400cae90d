// SPDX-License-Identifier: AGPL-3.0-or-later
import type { ConfigurationFile, Finding, Judge } from '../../../core/configuration/judge.ts';

const FILES = ['wireguard.env'];

/** What wireguard-go must find in its environment, so that it says nothing, not even when it crashes. */
const DEMANDED: Readonly<Record<string, string>> = { LOG_LEVEL: 'silent', GOTRACEBACK: 'none' };

/** Settings of the interface. Anything else in the environment (`LOG_FILE`, `GODEBUG`, `WG_TUN_FD`) is a finding. */
const HARMLESS = new Set(['WG_DEVICE', 'WG_LISTEN_PORT', 'WG_ADDRESS4', 'WG_ADDRESS6', 'WG_MTU']);
/** Names, numbers and networks. A backslash at a line's end would hide the next line from who reads the environment. */
const VALUE = /^[\w.:/-]+$/;

/** Everything in the settings that could log, record or persist, and everything that no rule covers. */
function findings(file: ConfigurationFile): Finding[] | undefined {
  if (!FILES.includes(file.name)) return undefined;
  const settings = settingsOf(file.content);
  const lineOf = (key: string) => file.content.split('\n').findIndex((line) => line.startsWith(`${key}=`)) + 1;
  const found: Finding[] = [];
  for (const [key, wanted] of Object.entries(DEMANDED)) {
    const value = settings.get(key);
    if (value !== wanted) found.push({ file: file.name, line: lineOf(key), problem: `${key} must be ${wanted}` });
  }
  for (const [key, value] of settings) {
    if (Object.hasOwn(DEMANDED, key) || (HARMLESS.has(key) && VALUE.test(value))) continue;
    found.push({ file: file.name, line: lineOf(key), problem: 'a setting is not known to keep silent' });
  }
  return found;
}

export const WIREGUARD_JUDGE: Judge = {
  files: FILES,
  known: {
    'keys/wireguard.key': 'file',
  },
  findings,
};

/** `KEY=value` lines. A key that occurs twice has its last value, as in a shell. */
function settingsOf(content: string): Map<string, string> {
  const lines = content.split('\n').filter((line) => line !== '');
  return new Map(
    lines.map((line) => [line.slice(0, Math.max(0, line.indexOf('='))), line.slice(line.indexOf('=') + 1)]),
  );
}
