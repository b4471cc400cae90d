// SPDX-License-Identifier: AGPL-3.0-or-later
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { RamSearch } from './ram.ts';
import { searchMachine, searchTargets, type Target, type Wanted } from './search.os.ts';
import type { Phase, Sighting } from './verdict.ts';

type Request =
  | { readonly what: 'targets'; readonly wanted: Wanted; readonly phase: Phase; readonly targets: readonly Target[] }
  | { readonly what: 'machine'; readonly wanted: Wanted; readonly path: string };

/** `searchTargets` in a process of its own. */
export async function lookAt(wanted: Wanted, phase: Phase, targets: readonly Target[]): Promise<Sighting[]> {
  return (await elsewhere({ what: 'targets', wanted, phase, targets })) as Sighting[];
}

/** `searchMachine` in a process of its own. */
export async function lookThrough(wanted: Wanted, path: string): Promise<RamSearch> {
  return (await elsewhere({ what: 'machine', wanted, path })) as RamSearch;
}

/**
 * The counters of coverage make the search take five to ten times as long. Node hands the variable down to every child
 * that is given none of its own.
 */
const uncounted = () => ({ ...process.env, NODE_V8_COVERAGE: '' });

async function elsewhere(request: Request): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const child = fork(fileURLToPath(import.meta.url), [], { env: uncounted(), serialization: 'advanced', execArgv: [] });
  child.once('message', resolve).once('error', reject);
  child.once('exit', (code, signal) => reject(new Error(`a search for markers ended with ${signal ?? code}`)));
  child.send(request);
  return await promise;
}

async function answer(request: Request): Promise<Sighting[] | RamSearch> {
  return request.what === 'targets'
    ? searchTargets(request.wanted, request.phase, request.targets)
    : await searchMachine(request.wanted, request.path);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [request] = (await once(process, 'message')) as [Request];
  process.send?.(await answer(request), () => process.disconnect?.());
}
