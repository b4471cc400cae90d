// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { BUNDLES, bundlePrograms } from './programs.os.ts';
import { recipeOf } from './recipe.os.ts';

test('what tsconfig.json says changes no byte of a bundle, for a copy of the sources may lack it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-bundles-'));
  try {
    await bundlePrograms(recipeOf(), directory);
    for (const { target } of Object.values(BUNDLES)) {
      const bundle = readFileSync(join(directory, target), 'utf8');
      assert.ok(bundle.length > 100_000, target);
      assert.doesNotMatch(bundle, /^ *"use strict";$/m, target);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});
