// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { get, i32, sequence, set, v128, wasmInstance } from './wasm.ts';

const LOCALS = { integers: 1, vectors: 1 };

test('constants of every size arrive as they are', () => {
  fc.assert(
    fc.property(fc.integer(), (value) => {
      const code = v128.store(16, sequence(i32.constant(value), set(0), get(0), v128.splat));
      const module = wasmInstance({ run: { locals: LOCALS, code } });
      module.run();
      assert.deepEqual([...new Int32Array(module.memory.buffer, 16, 4)], [value, value, value, value]);
    }),
    { numRuns: 50, examples: [[0], [63], [64], [-64], [-65], [2 ** 31 - 1], [-(2 ** 31)]] },
  );
});

test('functions are found by their names and share the memory', () => {
  const put = (address: number, value: number) => v128.store(address, sequence(i32.constant(value), v128.splat));
  const many = Object.fromEntries(
    Array.from({ length: 200 }, (_, index) => [`put${index}`, { locals: LOCALS, code: put(16 * index, index) }]),
  );
  const module = wasmInstance(many);
  for (const name of Object.keys(many)) module[name]?.();
  const words = new Int32Array(module.memory.buffer);
  for (let index = 0; index < 200; index += 1) assert.equal(words[4 * index], index);
});

test('lanes and bytes are shuffled as numbered', () => {
  const bytes = Uint8Array.from({ length: 16 }, (_, at) => at);
  const reversed = v128.shuffleBytes([15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
  const code = sequence(
    v128.store(0, sequence(v128.constant(bytes), v128.constant(bytes), reversed)),
    v128.store(16, sequence(v128.load(0), v128.constant(bytes), v128.shuffleLanes([0, 1, 4, 7]))),
    v128.store(32, sequence(v128.constant(bytes), i32.load(0), v128.replaceLane(2))),
  );
  const module = wasmInstance({ run: { locals: LOCALS, code } });
  module.run();
  const memory = [...new Uint8Array(module.memory.buffer, 0, 48)];
  assert.deepEqual(memory.slice(0, 16), [...bytes].toReversed());
  assert.deepEqual(memory.slice(16, 32), [15, 14, 13, 12, 11, 10, 9, 8, 0, 1, 2, 3, 12, 13, 14, 15]);
  assert.deepEqual(memory.slice(32, 48), [0, 1, 2, 3, 4, 5, 6, 7, 15, 14, 13, 12, 12, 13, 14, 15]);
});
