// SPDX-License-Identifier: AGPL-3.0-or-later
import { chmodSync, copyFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const directory = process.env['NODE_V8_COVERAGE'];
const earlier = process.env['LETHE_EARLIER_COVERAGE'];
if (directory !== undefined) {
  // Programs under test give up root. They write their coverage on the way out, into a directory that root made.
  if (process.getuid?.() === 0) chmodSync(directory, 0o1777);
  // What the tests without virtual machines covered counts as well (run.ts). Files of one phase run one after the other.
  for (const file of earlier === undefined ? [] : readdirSync(earlier)) {
    copyFileSync(join(earlier as string, file), join(directory, file));
    rmSync(join(earlier as string, file));
  }
}
