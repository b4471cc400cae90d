// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ROOMS } from './rooms.ts';

interface Claim {
  readonly text: string;
  readonly proofs: readonly { readonly file: string; readonly name: string }[];
}

/** A claim is a list item before the closing section; its proofs are one level below it. */
function claimsOf(document: string): Claim[] {
  const [claims = ''] = document.split('## What cannot be proven here');
  return claims
    .split(/^- /m)
    .slice(1)
    .map((block) => ({
      text: block.split('\n')[0] ?? '',
      proofs: [...block.matchAll(/^ {2}- `([^`]+)`: (.+)$/gm)].map((match) => ({
        file: match[1] ?? '',
        name: match[2] ?? '',
      })),
    }));
}

/** Why a claim is unproven, or undefined when each of its tests is there. */
function objection({ text, proofs }: Claim): string | undefined {
  if (proofs.length === 0) return `nothing proves: ${text}`;
  for (const { file, name } of proofs) {
    if (!existsSync(file)) return `${file} is gone`;
    if (!readFileSync(file, 'utf8').includes(`test('${name}'`)) return `${file} has no test named: ${name}`;
  }
  return undefined;
}

test('every claim of PRIVACY.md names tests that exist', () => {
  const claims = claimsOf(readFileSync('PRIVACY.md', 'utf8'));
  assert.ok(claims.length >= 15);
  assert.deepEqual(
    claims.map(objection).filter((why) => why !== undefined),
    [],
  );
});

test('a claim without a proof, or with one that is gone, is seen', () => {
  const [bare, moved, renamed] = claimsOf(
    '- We are nice.\n- It holds.\n  - `src/absent.test.ts`: x\n- It holds.\n  - `test/privacy.test.ts`: no such test\n',
  ).map(objection);
  assert.equal(bare, 'nothing proves: We are nice.');
  assert.equal(moved, 'src/absent.test.ts is gone');
  assert.match(renamed ?? '', /has no test named: no such test/);
});

test('the documents speak of the rooms that exist', () => {
  const [, section = ''] = readFileSync('ARCHITECTURE.md', 'utf8').split('## Rooms');
  const named = [...section.matchAll(/^\| `([a-z0-9/]+)` \|/gm)].map((match) => match[1]);
  const ships = Object.keys(ROOMS).filter((room) => !room.startsWith('cmd/'));
  assert.deepEqual(named, ships);
});
