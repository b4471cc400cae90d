// SPDX-License-Identifier: AGPL-3.0-or-later
import { copyFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Moves what other processes have covered to where Node will look for the coverage of this one (coverage.ts). */
const directory = process.env['NODE_V8_COVERAGE'];
const earlier = process.env['LETHE_EARLIER_COVERAGE'];
if (directory === undefined || earlier === undefined) throw new Error('coverage.ts runs this file');
for (const file of readdirSync(earlier)) {
  copyFileSync(join(earlier, file), join(directory, file));
  rmSync(join(earlier, file));
}
