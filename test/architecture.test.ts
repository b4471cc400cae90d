// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { build } from 'esbuild';
import { GATEWAY_PACKAGES, ROOMS } from './rooms.ts';

const SOURCES = globSync(['src/**/*.ts', 'cmd/**/*.ts']).toSorted();
const roomOf = (file: string) => file.split('/')[1] ?? '';

/** Every module that a file names in an import or an export, also those imported when needed. */
function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:\bfrom\s+|\bimport\s*\(\s*|^import\s+)'([^']+)'/gm)].map((match) => match[1] as string);
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Why a room may not import that, or undefined when it may. */
function objection(file: string, specifier: string): string | undefined {
  const room = roomOf(file);
  const rule = ROOMS[room];
  if (rule === undefined) return `${room} is not in the table of rooms`;
  if (specifier.startsWith('node:')) return rule.pure === true ? `${room} is pure` : undefined;
  if (specifier.startsWith('.')) {
    const target = roomOf(normalize(join(dirname(file), specifier)));
    return target === room || rule.rooms.split(' ').includes(target) ? undefined : `${room} may not use ${target}`;
  }
  return rule.packages?.split(' ').includes(packageOf(specifier)) === true
    ? undefined
    : `${room} may not use ${specifier}`;
}

test('rooms import only what the table allows', () => {
  const found: string[] = [];
  for (const file of SOURCES) {
    if (file.endsWith('.test.ts') || file.startsWith('cmd/')) continue;
    for (const specifier of importsOf(readFileSync(file, 'utf8'))) {
      const why = objection(file, specifier);
      if (why !== undefined) found.push(`${file}: ${why}`);
    }
  }
  assert.deepEqual(found, []);
});

test('the table names no room that is gone, and a forbidden import would be seen', () => {
  const rooms = new Set(SOURCES.map(roomOf));
  assert.deepEqual(
    Object.keys(ROOMS).filter((room) => !rooms.has(room)),
    [],
  );
  assert.equal(objection('src/gateway/x.ts', '../accounts/account.ts'), 'gateway may not use accounts');
  assert.equal(objection('src/gateway/x.ts', 'pg'), 'gateway may not use pg');
  assert.equal(objection('src/nowhere/x.ts', 'pg'), 'nowhere is not in the table of rooms');
  assert.deepEqual(importsOf("import a from 'a';\nexport { b } from './b.ts';\nawait import('c');\nimport 'd';"), [
    'a',
    './b.ts',
    'c',
    'd',
  ]);
});

/** A judge shares neither a name nor a line with what it judges: it would share its mistakes. */
const isJudge = (file: string) => /(?:^|\/)nologging\.ts$/.test(file);
/** All that a judge may import: the words in which it speaks. */
const JUDGES_WORDS = 'src/configuration/judge.ts';
/** Who may import a judge. */
const isListOfJudges = (file: string) => /(?:^|\/)judges\.ts$/.test(file);

/** Why an import makes a judge and what it judges one, or undefined when it does not. */
function collusion(file: string, specifier: string): string | undefined {
  const target = specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : specifier;
  if (isJudge(file) && target !== JUDGES_WORDS) return `${file} judges with what it takes from ${target}`;
  if (isJudge(target) && !isListOfJudges(file)) return `${file} takes something from its judge`;
  return undefined;
}

test('no judge imports what it judges, nor the reverse', () => {
  const found = SOURCES.filter((file) => !file.endsWith('.test.ts')).flatMap((file) =>
    importsOf(readFileSync(file, 'utf8')).flatMap((specifier) => collusion(file, specifier) ?? []),
  );
  assert.deepEqual(found, []);
  assert.ok(SOURCES.filter(isJudge).length >= 7);
  const judge = 'src/tunnels/openvpn/nologging.ts';
  assert.match(collusion(judge, './render.ts') ?? '', /openvpn\/render\.ts$/);
  assert.match(collusion(judge, '../plan.ts') ?? '', /tunnels\/plan\.ts$/);
  assert.match(collusion(judge, 'node:fs') ?? '', /node:fs$/);
  for (const judged of ['render', 'start.os', 'server']) {
    assert.match(collusion(`src/tunnels/openvpn/${judged}.ts`, './nologging.ts') ?? '', /from its judge$/);
  }
  assert.match(collusion('src/database/settings.ts', './nologging.ts') ?? '', /from its judge$/);
  assert.equal(collusion('src/gateway/judges.ts', '../tunnels/openvpn/nologging.ts'), undefined);
});

test('every judge is in a list of judges', () => {
  const listed = new Set(
    SOURCES.filter(isListOfJudges).flatMap((file) =>
      importsOf(readFileSync(file, 'utf8')).map((specifier) => normalize(join(dirname(file), specifier))),
    ),
  );
  assert.deepEqual(
    SOURCES.filter((file) => isJudge(file) && !listed.has(file)),
    [],
  );
});

test('only the clock reads the time and only chance is random', () => {
  const found = SOURCES.filter((file) => !file.endsWith('.test.ts') && roomOf(file) !== 'clock').filter((file) =>
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

/** Every file that esbuild puts into the gateway program. */
async function gatewayModules(): Promise<string[]> {
  const options = { bundle: true, platform: 'node', format: 'esm', write: false, metafile: true } as const;
  const { metafile } = await build({ entryPoints: ['cmd/gateway.ts'], logLevel: 'silent', ...options });
  return Object.keys(metafile.inputs);
}

test('the gateway program holds no SQL client, no account code and no web framework', async () => {
  const modules = await gatewayModules();
  const packages = new Set(
    modules
      .filter((file) => file.startsWith('node_modules/'))
      .map((file) => packageOf(file.slice('node_modules/'.length))),
  );
  assert.deepEqual(
    [...packages].filter((name) => !GATEWAY_PACKAGES.includes(name)),
    [],
  );
  const forbidden = new Set([
    'accounts',
    'credentials',
    'devices',
    'database',
    'api',
    'portal',
    'control',
    'activations',
  ]);
  assert.deepEqual(
    modules.filter((file) => file.startsWith('src/') && forbidden.has(roomOf(file))),
    [],
  );
});

test('the gateway has one exit: no other module of its program opens connections to other machines', async () => {
  const outward = (await gatewayModules()).filter(
    (file) => file.startsWith('src/') && /from 'node:(https?|http2|tls)'|\bfetch\(/.test(readFileSync(file, 'utf8')),
  );
  assert.deepEqual(
    outward.map(roomOf).filter((room) => room !== 'gateway'),
    [],
  );
});

test('control and its surfaces never read where a request came from', () => {
  const surfaces = new Set([
    'control',
    'api',
    'portal',
    'fleet',
    'accounts',
    'credentials',
    'devices',
    'activations',
    'seats',
    'usage',
  ]);
  const found = SOURCES.filter((file) => surfaces.has(roomOf(file)) && !file.endsWith('.test.ts')).filter((file) =>
    /remoteAddress|x-forwarded-for|getConnInfo|remotePort|\bincoming\.socket/i.test(readFileSync(file, 'utf8')),
  );
  assert.deepEqual(found, []);
});
