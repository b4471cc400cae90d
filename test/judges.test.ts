// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileOf, specifiersOf } from './imports.ts';

const SOURCES = globSync(['src/**/*.ts', 'proof/**/*.ts', 'cmd/**/*.ts']).toSorted();

/** A judge shares neither a name nor a line with what it judges: it would share its mistakes. */
const isJudge = (file: string) => /(?:^|\/)nologging\.ts$/.test(file);
/** All that a judge may import: the words in which it speaks. */
const JUDGES_WORDS = 'src/core/configuration/judge.ts';
/** Who may import a judge: lists of them, and the gateway's half of a protocol, which puts its parts side by side. */
const isListOfJudges = (file: string) => /(?:^|\/)judges\.ts$|^src\/gateway\/.*\/protocol\.ts$/.test(file);

/** Why an import makes a judge and what it judges one, or undefined when it does not. */
function collusion(file: string, specifier: string): string | undefined {
  const target = specifier.startsWith('.') ? fileOf(file, specifier) : specifier;
  if (isJudge(file) && target !== JUDGES_WORDS) return `${file} judges with what it takes from ${target}`;
  if (isJudge(target) && !isListOfJudges(file)) return `${file} takes something from its judge`;
  return undefined;
}

test('no judge imports what it judges, nor the reverse', () => {
  const found = SOURCES.filter((file) => !file.endsWith('.test.ts')).flatMap((file) =>
    specifiersOf(readFileSync(file, 'utf8')).flatMap((specifier) => collusion(file, specifier) ?? []),
  );
  assert.deepEqual(found, []);
  assert.ok(SOURCES.filter(isJudge).length >= 7);
  const judge = 'src/gateway/tunnels/openvpn/nologging.ts';
  assert.match(collusion(judge, './render.ts') ?? '', /openvpn\/render\.ts$/);
  assert.match(collusion(judge, '../../../contracts/plan/plan.ts') ?? '', /plan\/plan\.ts$/);
  assert.match(collusion(judge, 'node:fs') ?? '', /node:fs$/);
  for (const judged of ['adapter.os', 'start.os', 'server']) {
    assert.match(collusion(`src/gateway/tunnels/openvpn/${judged}.ts`, './nologging.ts') ?? '', /from its judge$/);
  }
  assert.match(collusion('src/control/database/settings.ts', './nologging.ts') ?? '', /from its judge$/);
  assert.equal(collusion('src/gateway/agent/judges.ts', '../tunnels/openvpn/nologging.ts'), undefined);
});

test('every judge is in a list of judges', () => {
  const listed = new Set(
    SOURCES.filter(isListOfJudges).flatMap((file) =>
      specifiersOf(readFileSync(file, 'utf8')).map((specifier) => fileOf(file, specifier)),
    ),
  );
  assert.deepEqual(
    SOURCES.filter((file) => isJudge(file) && !listed.has(file)),
    [],
  );
});
