// SPDX-License-Identifier: AGPL-3.0-or-later

import { lstatSync } from 'node:fs';
import type { Journal } from '../../core/journal/journal.ts';
import { entriesIn } from '../../host/files/entries.os.ts';
import { StartError } from './heartbeat.os.ts';
import { GATEWAY_JUDGES, isEntered, judgeGateway, wordFor } from './judges.ts';

/**
 * Looks at what is really in the gateway's directory before it serves. Throws a StartError when any of it could log,
 * record or persist, or is not known: then no customer gets in, whatever the daemons would write.
 */
export function refuseLogging(directory: string, journal: Journal): void {
  const found = judgeGateway(entriesIn(directory, GATEWAY_JUDGES, isEntered));
  // Whoever owns a link can put another directory in its place after this look.
  if (lstatSync(directory).isSymbolicLink()) found.push({ file: '.', line: 0, problem: 'the directory is a link' });
  for (const finding of found) journal.say({ code: 'config_refused', file: wordFor(finding), line: finding.line });
  if (found.length > 0) throw new StartError('configuration_may_log');
}
