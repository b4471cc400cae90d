// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contextOf } from './bench.cli.ts';
import { benchmark } from './image.bench.ts';

test('the benchmark of the image builds, proves, serves, and looks into the machine', async () => {
  const rows = await benchmark.run(contextOf('tiny', () => undefined));
  assert.deepEqual(
    rows.map(({ name, unit }) => [name, unit]),
    [
      ['evidence judged, certificate issued, secrets sealed', 'ms'],
      ['image build, warm', 's'],
      ['image build, beyond mmdebstrap and mksquashfs', 's'],
      ['ISO of the image', 'MB'],
      ['power-on to a client served, attested', 's'],
      ['image of 1 GiB in use, 2000 credentials, 2 sessions', 'MB'],
      ['image of 1 GiB in use, 2000 credentials', 'MB'],
      ['its agent, 2000 credentials, 2 sessions', 'MB'],
      ['its agent at its most, two auth files at once', 'MB'],
      ['1 OpenVPN and 1 WireGuard sessions connect', 's'],
    ],
  );
  for (const { name, value } of rows) assert.ok(value > 0, name);
  const of = (name: string) => rows.find((row) => row.name.startsWith(name));
  assert.ok((of('ISO')?.value ?? 0) > 50 && (of('ISO')?.ratio ?? 1) < 1);
  assert.ok((of('power-on')?.peerValue ?? 0) > 5);
  assert.ok((of('image of 1 GiB in use')?.limitRatio ?? 1) < 0.9);
});
