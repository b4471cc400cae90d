// SPDX-License-Identifier: AGPL-3.0-or-later
import { chmodSync } from 'node:fs';

// Programs under test give up root. They write their coverage on the way out, into a directory that root made.
const directory = process.env['NODE_V8_COVERAGE'];
if (directory !== undefined && process.getuid?.() === 0) chmodSync(directory, 0o1777);
