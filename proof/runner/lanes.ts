// SPDX-License-Identifier: AGPL-3.0-or-later

/** How many things are done side by side. */
export interface Lanes {
  /** Always, as long as there are so many. */
  readonly least: number;
  /** At most, while the machine has little to do. */
  readonly most: number;
}

export interface Host {
  /** Whether it has little to do. Asked before each thing beyond `least`. */
  isIdle(): boolean;
  /** Between two looks at it. */
  pause(): Promise<void>;
}

/** Does one thing after the other, in the order given, several at a time. The first that rejects ends it. */
export async function inLanes<T>(
  things: readonly T[],
  { least, most }: Lanes,
  host: Host,
  work: (thing: T) => Promise<void>,
): Promise<void> {
  const waiting = things.values();
  const running = new Set<Promise<void>>();
  let next = waiting.next();
  while (next.done !== true || running.size > 0) {
    if (next.done !== true && (running.size < least || (running.size < most && host.isIdle()))) {
      const done = work(next.value).finally(() => running.delete(done));
      running.add(done);
      next = waiting.next();
    } else await Promise.race([...running, host.pause()]);
  }
}
