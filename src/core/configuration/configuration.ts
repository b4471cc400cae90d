// SPDX-License-Identifier: AGPL-3.0-or-later
import type { z } from 'zod';
import { parseJson } from '../../bytes/formats/json.ts';

/** One sentence for the operator: the line, the key and what is wrong with it. Never a value, for it may be a secret. */
export interface ConfigurationProblem {
  readonly problem: string;
}

/** Reads a JSON configuration file with a strict schema. Refuses unknown keys and keys that occur twice. */
export function parseConfiguration<T>(schema: z.ZodType<T>, text: string): T | ConfigurationProblem {
  const json = parseJson(text);
  if ('problem' in json) return { problem: `line ${json.line}: ${SAID[json.problem]}` };
  const result = schema.safeParse(json.value, { reportInput: true });
  if (result.success) return result.data;
  const [issue] = result.error.issues as [z.core.$ZodIssue];
  const { path, what } = complaint(issue);
  return { problem: `line ${json.lineOf(path)}: ${path.join('.') || 'configuration'}: ${what}` };
}

const SAID = {
  syntax: 'not JSON from here on',
  'duplicate key': 'a key stands twice',
  'too deep': 'nested too deeply',
} as const;

function complaint(issue: z.core.$ZodIssue): { path: PropertyKey[]; what: string } {
  switch (issue.code) {
    case 'unrecognized_keys':
      return { path: [...issue.path, issue.keys[0] as string], what: 'unknown key' };
    case 'invalid_type':
      return { path: issue.path, what: issue.input === undefined ? 'missing' : `must be ${issue.expected}` };
    case 'invalid_format':
      return { path: issue.path, what: issue.message.startsWith('must ') ? issue.message : `must be ${issue.format}` };
    default:
      return { path: issue.path, what: 'not acceptable' };
  }
}
