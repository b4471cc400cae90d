// SPDX-License-Identifier: AGPL-3.0-or-later
import { Buffer } from 'node:buffer';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Has this process overwrite what it frees, as far as that can be said from within, and gives what collects its garbage. Small
 * buffers get memory of their own: a pool of them is kept for the next ones, with what the last ones held. What V8 collects is
 * zeroed by V8 and what Node.js frees by the C library, which the launcher has to tell: {@link WIPING}.
 */
export function wipeAndCollect(): () => void {
  Buffer.poolSize = 0;
  setFlagsFromString('--clear-free-memory');
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

/** Environment with which a program is started whose C library overwrites each block that is freed, also the small ones. */
export const WIPING = { GLIBC_TUNABLES: 'glibc.malloc.perturb=165:glibc.malloc.tcache_count=0' } as const;
