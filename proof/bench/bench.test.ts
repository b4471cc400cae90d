// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contextOf, main, USAGE } from './bench.cli.ts';
import { type Benchmark, cpuSeconds, interleave, median, type Row, rowOf, spreadOf } from './bench.ts';
import { BENCHMARKS } from './registry.ts';
import { numberOf } from './report.ts';

const silent = () => undefined;

test('medians and spreads', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(spreadOf([9, 10, 12]), 0.3);
  assert.equal(spreadOf([5]), 0);
});

test('a row holds medians, ratios and whether each goal is met', () => {
  const base = { name: 'x', unit: 's', samples: [10, 12, 11] };
  const row = rowOf({
    ...base,
    peer: { name: 'p', samples: [2], goal: { atLeast: 5 } },
    limit: { name: 'l', samples: [22], goal: { atMost: 0.4 } },
  });
  assert.deepEqual(row, {
    name: 'x',
    unit: 's',
    value: 11,
    spread: 2 / 11,
    peer: 'p',
    peerValue: 2,
    ratio: 5.5,
    limit: 'l',
    limitRatio: 0.5,
    goal: '≥ 5x peer, ≤ 0.4x limit',
    met: false,
  });
  assert.equal(rowOf({ ...base, peer: { name: 'p', samples: [2], goal: { atLeast: 5 } } }).met, true);
  const alone = rowOf(base);
  assert.deepEqual([alone.peer, alone.ratio, alone.limit, alone.goal, alone.met], [null, null, null, null, null]);
  assert.equal(rowOf({ ...base, peer: { name: 'p', samples: [2] } }).met, null);
});

test('sides take turns and the first round is dropped', async () => {
  const order: string[] = [];
  let calls = 0;
  const side = (name: string) => () => {
    order.push(name);
    calls += 1;
    return calls;
  };
  const context = { ...contextOf('tiny', silent), rounds: 2 };
  const samples = await interleave(context, { a: side('a'), b: async () => side('b')() });
  assert.deepEqual(samples, { a: [3, 5], b: [4, 6] });
  assert.equal(order.join(''), 'ababab');
});

test('CPU time is that of the work', () => {
  const burnt = cpuSeconds(() => {
    const until = process.cpuUsage();
    while (process.cpuUsage(until).user < 20_000);
  });
  assert.ok(burnt >= 0.02 && burnt < 5);
});

test('numbers are short and grouped', () => {
  assert.deepEqual([0, 0.012345, 1.26, 999, 1000, 1_483_000, 70.123].map(numberOf), [
    '0',
    '0.0123',
    '1.26',
    '999',
    '1 000',
    '1 480 000',
    '70.1',
  ]);
});

function fake(rows: Row[]): () => Promise<{ benchmark: Benchmark }> {
  return async () => ({
    benchmark: {
      about: 'a fake',
      run: async ({ say }) => {
        say('at work');
        return rows;
      },
    },
  });
}

const good = rowOf({ name: 'good', unit: 's', samples: [6], peer: { name: 'p', samples: [1], goal: { atLeast: 5 } } });
const bad = rowOf({
  name: 'bad',
  unit: 's',
  samples: [600],
  peer: { name: 'p', samples: [1], goal: { atMost: 5 } },
  limit: { name: 'l', samples: [1] },
});
const open = rowOf({ name: 'open', unit: 'ms', samples: [6] });

test('the command prints a table or JSON and tells by its exit whether all goals are met', async () => {
  const registry = { one: fake([good, open]), two: fake([bad]) };
  let [output, progress] = ['', ''];
  const call = (...argv: string[]) => {
    [output, progress] = ['', ''];
    return main(
      argv,
      (text) => void (output += text),
      (text) => void (progress += text),
      registry,
    );
  };
  assert.equal(await call('one', '--json'), 0);
  assert.deepEqual(JSON.parse(output), [good, open]);
  assert.equal(progress, 'one: a fake\n  at work\n');
  assert.equal(await call(), 1);
  const lines = output.trimEnd().split('\n');
  assert.equal(lines.length, 4);
  assert.match(lines[1] as string, /^good +6 s +±0 % +p +1 s +6\.00x +- +- +≥ 5x peer +yes$/);
  assert.match(lines[2] as string, /^open +6 ms .* - +-$/);
  assert.match(lines[3] as string, /^bad +600 s .* 600x +l +600x +≤ 5x peer +NO$/);
  assert.equal(await call('three'), USAGE);
  assert.match(progress, /there are: one, two/);
  assert.equal(output, '');
  assert.equal(await call('toString'), USAGE);
});

test('the default for progress is standard error', async (t) => {
  const write = t.mock.method(process.stderr, 'write', () => true);
  assert.equal(await main(['nonsense'], silent), USAGE);
  assert.match(String(write.mock.calls[0]?.arguments[0]), /authorize/);
});

for (const name of ['authorize', 'authfile']) {
  test(`${name} runs at a tiny size and its sides agree`, async () => {
    let output = '';
    await main([name, '--json', '--tiny'], (text) => void (output += text), silent);
    const rows = JSON.parse(output) as Row[];
    assert.ok(rows.length >= 2);
    for (const row of rows) assert.ok(Number.isFinite(row.value) && row.name.length > 0, row.name);
  });
}

test('every benchmark of the registry loads and says what it is about', async () => {
  const about = await Promise.all(Object.values(BENCHMARKS).map(async (load) => (await load()).benchmark.about));
  assert.equal(new Set(about).size, Object.keys(BENCHMARKS).length);
  for (const line of about) assert.ok(line.length > 20, line);
});

test('a benchmark that breaks off costs the others nothing, and the exit code says so', async () => {
  const said: string[] = [];
  const broken = { about: 'breaks', run: () => Promise.reject(new Error('the other side gave wrong answers')) };
  const whole = { about: 'holds', run: async () => [rowOf({ name: 'held', unit: 's', samples: [1] })] };
  const registry = { broken: async () => ({ benchmark: broken }), whole: async () => ({ benchmark: whole }) };
  let output = '';
  const code = await main(
    [],
    (text) => void (output += text),
    (text) => void said.push(text),
    registry,
  );
  assert.equal(code, 1);
  assert.match(output, /held/);
  assert.match(said.join(''), /broken broke off: the other side gave wrong answers/);
});
