// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { inLanes } from './lanes.ts';

/** Works until it is told to end, and writes down how many ran at a time. */
class Works {
  readonly begun: number[] = [];
  readonly #ends = new Map<number, () => void>();

  readonly work = async (thing: number) => {
    this.begun.push(thing);
    await new Promise<void>((resolve) => this.#ends.set(thing, resolve));
  };

  get running(): number[] {
    return [...this.#ends.keys()];
  }

  /** Lets what follows from it happen. */
  async end(thing: number): Promise<void> {
    this.#ends.get(thing)?.();
    this.#ends.delete(thing);
    await delay(20);
  }
}

const host = (isIdle: () => boolean) => ({ isIdle, pause: () => delay(5) });

test('as many run as may, the next begins when one has ended, and all are waited for', async () => {
  const works = new Works();
  let over = false;
  const all = inLanes(
    [1, 2, 3, 4],
    { least: 2, most: 2 },
    host(() => assert.fail('nothing to ask')),
    works.work,
  );
  const ended = all.then(() => {
    over = true;
  });
  await delay(20);
  assert.deepEqual(works.running, [1, 2]);
  await works.end(2);
  assert.deepEqual(works.running, [1, 3]);
  for (const one of [1, 3]) await works.end(one);
  assert.deepEqual([works.running, over], [[4], false]);
  await works.end(4);
  await ended;
  assert.deepEqual(works.begun, [1, 2, 3, 4]);
});

test('more run while the host has little to do, up to a limit', async () => {
  const works = new Works();
  let idle = false;
  const all = inLanes(
    [1, 2, 3, 4, 5],
    { least: 1, most: 3 },
    host(() => idle),
    works.work,
  );
  await delay(20);
  assert.deepEqual(works.running, [1]);
  idle = true;
  await delay(20);
  assert.deepEqual(works.running, [1, 2, 3]);
  idle = false;
  await works.end(1);
  assert.deepEqual(works.running, [2, 3], 'busy again');
  for (const one of [2, 3, 4, 5]) await works.end(one);
  await all;
});

test('nothing to do is done, and what rejects is heard', async () => {
  const never = host(() => assert.fail('nothing to ask'));
  await inLanes([], { least: 1, most: 1 }, never, () => assert.fail('nothing to do'));
  const failing = inLanes([1], { least: 1, most: 1 }, never, () => Promise.reject(new Error('the work fails')));
  await assert.rejects(failing, /the work fails/);
});
