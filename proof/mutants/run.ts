// SPDX-License-Identifier: AGPL-3.0-or-later
import { hunting } from './mutants.cli.ts';

process.exitCode = await hunting(process.argv.slice(2), (text) => void process.stdout.write(text));
