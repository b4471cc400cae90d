// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempDisposableSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawnChild } from '../../src/host/processes/process.os.ts';
import { untilSays } from '../../src/host/processes/ready.os.ts';
import { type BenchContext, type Benchmark, interleave, type Row, rowOf } from './bench.ts';

const ENTRY = fileURLToPath(new URL('../../lethe', import.meta.url));
const PROGRAM = fileURLToPath(new URL('../../cmd/lethe.ts', import.meta.url));
/** Milliseconds in which a service stops, on a busy machine too. */
const GRACE = 30_000;

/** How long an operator waits for the service, from the second start on. The first one makes keys and a database. */
export const benchmark: Benchmark = {
  about: 'seconds from ./lethe up to a service that answers, with its data and packages in place',
  run: async (context) => {
    const { command, services } = SCALES[context.size];
    const rows: Row[] = [];
    for (const service of services) rows.push(await upRow(context, command, service));
    return rows;
  },
};

interface Service {
  readonly name: string;
  readonly flags: readonly string[];
}

const ALONE: Service = { name: 'portal and API alone', flags: ['--no-gateway'] };
const WHOLE: Service = { name: 'the whole service', flags: [] };

/** The entry script installs what is missing, which a test must not; so that one starts the program behind it. */
const SCALES: Readonly<Record<BenchContext['size'], { command: readonly string[]; services: readonly Service[] }>> = {
  full: { command: [ENTRY], services: [ALONE, WHOLE] },
  tiny: { command: [process.execPath, PROGRAM], services: [ALONE] },
};

/** The round that warms up prepares the directory. */
async function upRow(context: BenchContext, command: readonly string[], { name, flags }: Service): Promise<Row> {
  context.say(name);
  using directory = mkdtempDisposableSync(join(tmpdir(), 'lethe-bench-'));
  const { up } = await interleave(context, {
    up: () => secondsToUp(context, [...command, 'up', '--data', directory.path, ...flags]),
  });
  return rowOf({ name: `up, ${name}`, unit: 's', samples: up });
}

async function secondsToUp({ clock }: BenchContext, command: readonly string[]): Promise<number> {
  const began = clock.elapsed();
  const service = spawnChild([...command, '--listen', '127.0.0.1:0']);
  try {
    const [, portal = ''] = await untilSays(service, 'up', /Lethe is up[^]*Portal {3}(http:\S+)\n/);
    const seconds = (clock.elapsed() - began) / 1000;
    assert.equal((await fetch(portal)).status, 200);
    return seconds;
  } finally {
    assert.equal((await service.stop(GRACE)).code, 0, service.output());
  }
}
