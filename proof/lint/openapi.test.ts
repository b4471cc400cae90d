// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { api } from '../../src/control/api/api.http.ts';
import type { ApiServices } from '../../src/control/api/services.ts';

/** Everything that the linter holds against a description, as `rule at place: message`. */
async function findings(source: string): Promise<string[]> {
  const config = await createConfig({
    extends: ['recommended-strict'],
    rules: {
      // The public texts are given to everybody who asks: there is nothing to refuse.
      'operation-4xx-response': 'off',
    },
  });
  const problems = await lintFromString({ source, absoluteRef: 'openapi.json', config });
  return problems.map(({ ruleId, message, location }) => `${ruleId} at ${location[0]?.pointer}: ${message}`);
}

/** Describing the API takes no service; it only answers with them. */
async function description(): Promise<string> {
  return (await api({} as ApiServices, { service: 'Example', release: '0.0.0' }).request('/openapi.json')).text();
}

test('the description of the API passes a linter without a finding', async () => {
  assert.deepEqual(await findings(await description()), []);
});

test('the linter sees an operation that says too little', async () => {
  const document = JSON.parse(await description());
  delete document.paths['/api/v1/licence'].get.operationId;
  delete document.paths['/api/v1/seats'].get.responses['200'].description;
  const rules = (await findings(JSON.stringify(document))).map((finding) => finding.slice(0, finding.indexOf(' ')));
  assert.deepEqual(rules.toSorted(), ['operation-operationId', 'struct']);
});
