// SPDX-License-Identifier: AGPL-3.0-or-later
import { setTimeout as delay } from 'node:timers/promises';
import { type Child, CommandError } from '../host/processes/process.os.ts';

/** Waits for the line that one of our programs prints once it serves; throws a CommandError when it ends instead. */
export async function untilReady(child: Child, program: string, line: RegExp): Promise<RegExpExecArray> {
  while (child.running) {
    const match = line.exec(child.output());
    if (match !== null) return match;
    await delay(20);
  }
  throw new CommandError(program, await child.exited, child.output());
}
