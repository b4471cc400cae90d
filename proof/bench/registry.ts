// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Benchmark } from './bench.ts';

/** Every benchmark by its name, in the order in which they run; loaded when it is its turn. */
export const BENCHMARKS: Readonly<Record<string, () => Promise<{ readonly benchmark: Benchmark }>>> = {
  authorize: () => import('./authorize.bench.ts'),
  authfile: () => import('./authfile.bench.ts'),
  radius: () => import('./radius.bench.ts'),
  openvpn: () => import('./openvpn.bench.ts'),
  ikev2: () => import('./ikev2.bench.ts'),
  wireguard: () => import('./wireguard.bench.ts'),
  geoip: () => import('./geoip.bench.ts'),
  api: () => import('./api.bench.ts'),
  database: () => import('./database.bench.ts'),
  attack: () => import('./attack.bench.ts'),
  memory: () => import('./memory.bench.ts'),
  up: () => import('./up.bench.ts'),
  image: () => import('./image.bench.ts'),
};
