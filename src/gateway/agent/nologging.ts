// SPDX-License-Identifier: AGPL-3.0-or-later
import type { ConfigurationFile, Finding, Judge } from '../../core/configuration/judge.ts';

const FILES = ['agent.json'];

/** What the agent may be told. None of it makes it write anything; a key of any other name might. */
const HARMLESS = new Set(
  'plan controlUrl caFile tokenFile authfileKey expectedKey geoip intervals user release'.split(' '),
);

/** Everything in the agent's own configuration that no rule covers. */
function findings(file: ConfigurationFile): Finding[] | undefined {
  if (!FILES.includes(file.name)) return undefined;
  const keys = keysOf(file.content);
  if (keys === undefined) return [{ file: file.name, line: 0, problem: 'not an object in JSON' }];
  return keys
    .filter((key) => !HARMLESS.has(key))
    .map(() => ({ file: file.name, line: 0, problem: 'a key is not known to keep silent' }));
}

function keysOf(content: string): string[] | undefined {
  try {
    const value: unknown = JSON.parse(content);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Where only the activation may enter (mode 0700): keys and contexts of the TPM wait there. What lies in it is not looked
 * at, for the agent cannot; no daemon can read configuration there either, or log into it.
 */
export const CLOSED_DIRECTORY = 'activation';

export const AGENT_JUDGE: Judge = {
  files: FILES,
  known: {
    [CLOSED_DIRECTORY]: 'directory',
    keys: 'directory',
    'keys/ca.crt': 'file',
    'keys/server.crt': 'file',
    'keys/server.key': 'file',
    'keys/agent.token': 'file',
    'keys/control-ca.crt': 'file',
  },
  findings,
};
