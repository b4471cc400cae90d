// SPDX-License-Identifier: AGPL-3.0-or-later
// Fills a folder with the npm packages that package-lock.json names: `packages LOCK FOLDER`. The entry script runs it
// before there is any package, so it uses none. LETHE_REGISTRY says where they come from, LETHE_REGISTRY_TOKEN who asks.
import { readFileSync } from 'node:fs';
import { installPackages, PackageError } from '../src/host/packages/install.os.ts';
import { lockedPackages } from '../src/host/packages/lock.ts';

const [lock = '', folder = ''] = process.argv.slice(2);
const { LETHE_REGISTRY: url = '', LETHE_REGISTRY_TOKEN: token } = process.env;
const packages = lockedPackages(readFileSync(lock, 'utf8'));

let done = 0;
const say = (text: string): void => void process.stderr.write(`lethe: ${text}\n`);
const saying = setInterval(() => say(`${done} of ${packages.length} npm packages are there`), 5000);
try {
  await installPackages(packages, folder, { url, token }, () => {
    done += 1;
  });
} catch (error) {
  if (!(error instanceof PackageError)) throw error;
  say(`${error.message} Is this machine online, and is npm's registry the one that it may ask?`);
  process.exitCode = 5;
} finally {
  clearInterval(saying);
}
process.exit();
