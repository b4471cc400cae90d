// SPDX-License-Identifier: AGPL-3.0-or-later
import { ANSSI } from './anssi.ts';
import { CIS_LOGGING } from './cis-logging.ts';
import { CIS_NETWORK } from './cis-network.ts';
import { CIS_PEOPLE } from './cis-people.ts';
import { CIS_SERVICES } from './cis-services.ts';
import { CIS_SYSTEM } from './cis-system.ts';
import type { Control } from './control.ts';

/**
 * What the CIS Benchmark for Debian Linux 12 (1.1.0) and ANSSI-BP-028 (2.0) demand of a server, number by number. The
 * demands are in our words; the numbers are in numbers.ts.
 */
export const BASELINE: readonly Control[] = [
  ...CIS_SYSTEM,
  ...CIS_SERVICES,
  ...CIS_NETWORK,
  ...CIS_PEOPLE,
  ...CIS_LOGGING,
  ...ANSSI,
];

/** Ends the output of one command; no output has it. */
const MARK = '\u{1e}';

/** One script that asks everything, each command once: a guest that is emulated answers slowly. */
export function baselineScript(controls: readonly Control[]): string {
  return commands(controls)
    .map((command) => `(\n${command}\n) 2>&1; printf '\\036'`)
    .join('\n');
}

/** The controls that the script's output does not meet, each with what was said instead. */
export function unmet(controls: readonly Control[], output: string): string[] {
  const all = commands(controls);
  const parts = output.split(MARK);
  if (parts.length !== all.length + 1) throw new SyntaxError(`${parts.length - 1} answers to ${all.length} commands`);
  const said = new Map(all.map((command, index) => [command, parts[index] ?? '']));
  return controls.flatMap((control) => {
    if (!('command' in control)) return [];
    const found = said.get(control.command) ?? '';
    return control.expected.test(found) ? [] : [`${control.ids[0]} ${control.demand}: ${found.slice(0, 200)}`];
  });
}

function commands(controls: readonly Control[]): string[] {
  return [...new Set(controls.flatMap((control) => ('command' in control ? [control.command] : [])))];
}
