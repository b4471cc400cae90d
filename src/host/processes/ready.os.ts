// SPDX-License-Identifier: AGPL-3.0-or-later
import { waitUntil } from '../../core/clock/until.ts';
import { type Child, CommandError } from './process.os.ts';

/** Milliseconds. A program that is not ready after this long hangs, also where ten start at once. */
const LIMIT = 600_000;

/** Waits until a program that was started can be used, and gives what `ready` found; throws a CommandError when it ends. */
export async function untilReady<T>(
  child: Child,
  program: string,
  ready: () => T | false | undefined | Promise<T | false | undefined>,
): Promise<Exclude<T, false | undefined>> {
  return await waitUntil(
    `${program} is ready`,
    async () => {
      // Asked first: what it said or did last counts, even if it has ended meanwhile.
      const { running } = child;
      const found = await ready();
      if (!running && (found === false || found === undefined))
        throw new CommandError(program, await child.exited, child.output());
      return found;
    },
    LIMIT,
  );
}

/** Waits for the line that a program prints once it can be used. */
export async function untilSays(child: Child, program: string, line: RegExp): Promise<RegExpExecArray> {
  return await untilReady(child, program, () => line.exec(child.output()) ?? undefined);
}
