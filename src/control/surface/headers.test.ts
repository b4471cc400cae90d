// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hono } from 'hono';
import { hardened, headersOf } from './headers.http.ts';

test('every answer, also to a failure or an unknown path, has the headers of all surfaces and its own', async () => {
  const app = new Hono();
  app.use(hardened("default-src 'none'", { 'permissions-policy': 'camera=()' }));
  app.get('/kept', (c) => c.text('kept', 200, { 'cache-control': 'public' }));
  app.get('/failing', () => {
    throw new Error('secret detail');
  });
  app.onError(() => new Response(null, { status: 500 }));
  for (const [path, cache] of [
    ['/kept', 'public'],
    ['/failing', 'no-store'],
    ['/nowhere', 'no-store'],
  ] as const) {
    const { headers } = await app.request(path);
    const found = Object.fromEntries([...headers].filter(([name]) => name !== 'content-type'));
    assert.deepEqual(found, {
      'cache-control': cache,
      'content-security-policy': "default-src 'none'",
      'cross-origin-resource-policy': 'same-origin',
      'permissions-policy': 'camera=()',
      'referrer-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
  }
});

test('an answer to a program is kept nowhere, and has the same headers', () => {
  assert.deepEqual(headersOf("default-src 'none'"), {
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  });
});
