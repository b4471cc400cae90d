// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Finding } from '../finding.ts';
import type { RenderedFile } from '../plan.ts';
import { WIREGUARD_FILE } from './render.ts';

/** What wireguard-go must find in its environment, so that it says nothing, not even when it crashes. */
const DEMANDED: Readonly<Record<string, string>> = { LOG_LEVEL: 'silent', GOTRACEBACK: 'none' };

/** Settings of the interface. Anything else in the environment (`LOG_FILE`, `GODEBUG`, `WG_TUN_FD`) is a finding. */
const HARMLESS = new Set(['WG_DEVICE', 'WG_LISTEN_PORT', 'WG_ADDRESS4', 'WG_ADDRESS6', 'WG_MTU']);

/** Everything in the rendered settings that could log, record or persist, and everything that nobody has judged. */
export function findings(file: RenderedFile): Finding[] {
  if (file.name !== WIREGUARD_FILE) return [];
  const settings = settingsOf(file.content);
  const lineOf = (key: string) => file.content.split('\n').findIndex((line) => line.startsWith(`${key}=`)) + 1;
  const found: Finding[] = [];
  for (const [key, wanted] of Object.entries(DEMANDED)) {
    const value = settings.get(key);
    if (value !== wanted) found.push({ file: file.name, line: lineOf(key), problem: `${key} must be ${wanted}` });
  }
  for (const key of settings.keys()) {
    if (!HARMLESS.has(key) && !Object.hasOwn(DEMANDED, key))
      found.push({ file: file.name, line: lineOf(key), problem: 'a setting is not known to keep silent' });
  }
  return found;
}

/** `KEY=value` lines. A key that stands twice has its last value, as in a shell. */
export function settingsOf(content: string): Map<string, string> {
  const lines = content.split('\n').filter((line) => line !== '');
  return new Map(
    lines.map((line) => [line.slice(0, Math.max(0, line.indexOf('='))), line.slice(line.indexOf('=') + 1)]),
  );
}
