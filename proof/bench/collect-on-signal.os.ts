// SPDX-License-Identifier: AGPL-3.0-or-later
import { writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { collectGarbage } from './bench.ts';

// Loaded into an agent that is measured. At each SIGUSR2 it collects all garbage and says how often it has done so, and
// how many bytes are still in use, buffers included. Without it, what is resident depends on when the last collection
// happened to be.

/** Milliseconds after which `finalizers` have run, and what they free is garbage as well. */
const SWEEPING = 200;

let collections = 0;

async function collect(): Promise<void> {
  collectGarbage();
  await delay(SWEEPING);
  collectGarbage();
  collections += 1;
  const { heapUsed, external } = process.memoryUsage();
  writeSync(1, `{"collections":${collections},"held":${heapUsed + external}}\n`);
}

process.on('SIGUSR2', () => void collect());
