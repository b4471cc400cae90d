// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { build, type Metafile } from 'esbuild';
import { BUNDLES } from '../src/image/build/programs.os.ts';
import {
  circlesOf,
  computedImports,
  fileOf,
  floorOf,
  importsOf,
  objection,
  packageOf,
  roomOf,
  specifiersOf,
  tableProblems,
  unusedRights,
} from './imports.ts';
import { GATEWAY_PACKAGES, ROOMS } from './rooms.ts';

const SOURCES = globSync(['src/**/*.ts', 'proof/**/*.ts', 'cmd/**/*.ts']).toSorted();
const IMPORTS = SOURCES.flatMap((file) => importsOf(file));
const isTest = (file: string) => file.endsWith('.test.ts');

test('rooms import only what the table allows, their tests too', () => {
  assert.deepEqual(
    IMPORTS.map((one) => objection(ROOMS, one)).filter((why) => why !== undefined),
    [],
  );
});

test('the table runs one way: rooms stand below all they use, and programs never use each other', () => {
  assert.deepEqual([...tableProblems(ROOMS)], []);
});

test('what ships imports nothing that is only named when it runs', () => {
  const found = SOURCES.filter((file) => !isTest(file) && !file.startsWith('proof/')).flatMap((file) =>
    computedImports(readFileSync(file, 'utf8')).map((code) => `${file}: ${code}`),
  );
  assert.deepEqual(found, []);
  assert.deepEqual(computedImports("const a = './a.ts';\nawait import(a);\nawait import('./b.ts');\n// import(c)"), [
    'import(a);',
  ]);
});

test('the table holds every room, none that is gone, and no right that nobody uses', () => {
  assert.deepEqual(new Set(SOURCES.map(roomOf)), new Set(Object.keys(ROOMS)));
  assert.deepEqual([...unusedRights(ROOMS, IMPORTS)], []);
});

test('a forbidden import, a circle, a wrong floor and an unused right would be seen', () => {
  const [tables, pg, nowhere, labs] = [
    importsOf('src/gateway/agent/x.ts', "import a from '../../control/database/tables.ts';"),
    importsOf('src/gateway/agent/x.ts', "import 'pg';"),
    importsOf('src/nowhere/room/x.ts', "export { a } from 'pg';"),
    importsOf('src/control/api/x.ts', "await import('../../../proof/labs/control/x.ts');"),
  ].map(([one]) => objection(ROOMS, one as NonNullable<typeof one>));
  assert.equal(tables, 'src/gateway/agent/x.ts: gateway/agent may not use control/database');
  assert.equal(pg, 'src/gateway/agent/x.ts: gateway/agent may not use pg');
  assert.equal(nowhere, 'src/nowhere/room/x.ts: nowhere/room is not in the table of rooms');
  assert.equal(labs, 'src/control/api/x.ts: control/api may not use proof/labs');
  const [asTest] = importsOf('src/control/api/x.test.ts', "import a from '../../../proof/labs/control/x.ts';");
  assert.equal(objection(ROOMS, asTest as NonNullable<typeof asTest>), undefined);

  const table = {
    'core/a': { uses: 'core/b' },
    'core/b': { uses: 'core/a', tests: 'core/a' },
    'gateway/c': { uses: '', packages: 'zod', tests: 'control/d' },
    'control/d': { uses: 'gateway/c' },
  };
  assert.deepEqual(
    [...tableProblems(table)],
    [
      'core/a uses core/b, which does not stand above it',
      'tests of gateway/c use control/d, which their floor may not',
      'control/d uses gateway/c, which its floor may not',
    ],
  );
  const [used] = importsOf('src/control/d/x.ts', "import c from '../../gateway/c/c.ts';");
  assert.deepEqual(
    [...unusedRights(table, [used as NonNullable<typeof used>])],
    [
      'core/a never uses core/b (uses)',
      'core/b never uses core/a (uses)',
      'core/b never uses core/a (tests)',
      'core/b has the right to core/a twice',
      'gateway/c never uses zod (packages)',
      'gateway/c never uses control/d (tests)',
    ],
  );
  assert.deepEqual(specifiersOf("import a from 'a';\nexport { b } from './b.ts';\nawait import('c');\nimport 'd';"), [
    'a',
    './b.ts',
    'c',
    'd',
  ]);
});

test('no files import each other in a circle', () => {
  const known = new Set(SOURCES);
  const targets = (file: string) =>
    specifiersOf(readFileSync(file, 'utf8'))
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => fileOf(file, specifier))
      .filter((target) => known.has(target));
  assert.deepEqual(circlesOf(SOURCES, targets), []);
  const planted: Record<string, string[]> = { a: ['b', 'd'], b: ['c'], c: ['a'], d: ['d'] };
  assert.deepEqual(
    circlesOf(Object.keys(planted), (file) => planted[file] ?? []),
    [['a', 'b', 'c'], ['d']],
  );
});

test('what proves is loaded by nothing that ships, and by the command line only when it is asked for', () => {
  const proof = IMPORTS.filter((one) => one.target?.startsWith('proof/') === true && !one.test);
  const outside = new Set(proof.map((one) => one.room).filter((room) => floorOf(room) !== 'proof'));
  assert.deepEqual([...outside], ['cmd/lethe']);
  const eager = /^(?:import|export) (?!type ).*from '\.\.\/proof\/(?!check\/)/m;
  assert.doesNotMatch(readFileSync('cmd/lethe.ts', 'utf8'), eager);
});

test('only the clock reads the time and only chance is random', () => {
  const found = SOURCES.filter((file) => !isTest(file) && roomOf(file) !== 'core/clock').filter((file) =>
    /\bDate\.now\(|\bperformance\.now\(|new Date\(\)|Math\.random\(|Temporal\.Now/.test(readFileSync(file, 'utf8')),
  );
  assert.deepEqual(found, []);
});

test('every source file names its licence and is short enough to read', () => {
  for (const file of SOURCES) {
    const lines = readFileSync(file, 'utf8').split('\n');
    assert.equal(lines[0], '// SPDX-License-Identifier: AGPL-3.0-or-later', file);
    assert.ok(lines.length <= 401, `${file} has ${lines.length - 1} lines`);
  }
});

test("a program's main is short", () => {
  for (const file of SOURCES.filter((name) => name.startsWith('cmd/'))) {
    assert.ok(readFileSync(file, 'utf8').split('\n').length <= 150, file);
  }
});

/** What esbuild makes of a program, as the image holds it where it is one of the image's. */
async function bundled(program: string): Promise<Metafile> {
  const options = { bundle: true, platform: 'node', format: 'esm', write: false, metafile: true } as const;
  const file = `${program}.ts`;
  const external = [...(BUNDLES[file]?.without ?? [])];
  return (await build({ entryPoints: [`cmd/${file}`], logLevel: 'silent', external, ...options })).metafile;
}

/** Every file in a program. */
async function modulesOf(program: string): Promise<string[]> {
  return Object.keys((await bundled(program)).inputs);
}

const packagesIn = (modules: readonly string[]) =>
  new Set(modules.filter((file) => file.startsWith('node_modules/')).map((file) => packageOf(file.slice(13))));

const floorsIn = (modules: readonly string[]) =>
  new Set(modules.filter((file) => file.startsWith('src/')).map((file) => floorOf(roomOf(file))));

test('the gateway program holds no SQL client, no account code and no web framework', async () => {
  const modules = await modulesOf('gateway');
  assert.deepEqual(
    [...packagesIn(modules)].filter((name) => !GATEWAY_PACKAGES.includes(name)),
    [],
  );
  assert.deepEqual(floorsIn(modules), new Set(['bytes', 'core', 'contracts', 'host', 'gateway']));
});

test('control holds nothing of a gateway, the activator nothing of control, what boots a gateway neither', async () => {
  const [control, activator, activation] = await Promise.all(['control', 'activator', 'activation'].map(modulesOf));
  assert.deepEqual(floorsIn(control ?? []), new Set(['bytes', 'core', 'contracts', 'host', 'control']));
  assert.deepEqual(floorsIn(activator ?? []), new Set(['bytes', 'verify', 'core', 'contracts', 'host', 'activator']));
  assert.deepEqual(floorsIn(activation ?? []), new Set(['bytes', 'verify', 'core', 'contracts', 'host', 'gateway']));
});

/** Starts a daemon, or speaks with one. */
const isStart = (file: string) => /^src\/gateway\/tunnels\/\w+\/start\.os\.ts$/.test(file);
const isAdapter = (file: string) => /^src\/gateway\/tunnels\/\w+\/adapter\.os\.ts$/.test(file);

test('the agent holds every adapter and starts no daemon; what boots a gateway holds neither', async () => {
  const adapters = SOURCES.filter(isAdapter);
  assert.equal(adapters.length, 3);
  assert.ok(SOURCES.filter(isStart).length >= 4);
  const [agent, boot] = await Promise.all([bundled('gateway'), bundled('activation')]);
  assert.deepEqual(
    Object.keys(agent.inputs).filter((file) => isStart(file) || isAdapter(file)),
    adapters,
  );
  assert.deepEqual(
    Object.keys(boot.inputs).filter((file) => isStart(file) || isAdapter(file)),
    [],
  );
  // What was left out is only ever loaded when it is asked for.
  const left = Object.values(agent.outputs).flatMap(({ imports }) =>
    imports.filter(({ path }) => path.startsWith('.')),
  );
  assert.deepEqual(new Set(left.map(({ kind }) => kind)), new Set(['dynamic-import']));
});

test('the gateway has one exit: no other module of its program opens connections to other machines', async () => {
  const outward = (await modulesOf('gateway')).filter(
    (file) => file.startsWith('src/') && /from 'node:(https?|http2|tls)'|\bfetch\(/.test(readFileSync(file, 'utf8')),
  );
  assert.deepEqual(
    outward.map(roomOf).filter((room) => room !== 'gateway/agent'),
    [],
  );
});

test('control and its surfaces never read where a request came from', () => {
  const found = SOURCES.filter((file) => floorOf(roomOf(file)) === 'control' && !isTest(file)).filter((file) =>
    /remoteAddress|x-forwarded-for|X-Forwarded-For|getConnInfo|remotePort|\bincoming\.socket/.test(
      readFileSync(file, 'utf8'),
    ),
  );
  assert.deepEqual(found, []);
});
