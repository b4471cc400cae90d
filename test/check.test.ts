// SPDX-License-Identifier: AGPL-3.0-or-later
import { globSync } from 'node:fs';
import { test } from 'node:test';
import { CHECKS } from '../proof/check/check.cli.ts';
import { run } from '../src/host/processes/process.os.ts';

// The quick check's programs count as tests too; its own tests run beside this file.
for (const { title, argv } of CHECKS.filter(({ argv }) => !argv.includes('--test'))) {
  test(`${title} finds nothing`, async () => {
    await run(argv);
  });
}

test('the entry script is clean shell', async () => {
  await run(['shellcheck', 'lethe', '.ci/run', ...globSync('image/{initrd/init,probe/probe/{install,serve}}')]);
});
