// SPDX-License-Identifier: AGPL-3.0-or-later
// Needs root.
import assert from 'node:assert/strict';
import { chownSync, linkSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { giveTree } from './give.os.ts';

const BEFORE = 4321;
const USER = { uid: 65_534, gid: 65_534 };
const directory = mkdtempSync(join(tmpdir(), 'lethe-give-'));
const at = (...names: string[]) => join(directory, ...names);
const ownerOf = (path: string) => lstatSync(path).uid;
after(() => rmSync(directory, { recursive: true }));

test("all that was the former owner's is given, and nothing of anybody else, however it was linked there", () => {
  mkdirSync(at('tree', 'below'), { recursive: true });
  writeFileSync(at('tree', 'below', 'file'), '');
  writeFileSync(at('victim'), '');
  mkdirSync(at('victims'));
  writeFileSync(at('victims', 'file'), '');
  symlinkSync(at('victim'), at('tree', 'link'));
  symlinkSync(at('victims'), at('tree', 'links'));
  linkSync(at('victim'), at('tree', 'hard'));
  for (const path of ['tree', 'tree/below', 'tree/below/file']) chownSync(at(path), BEFORE, BEFORE);
  giveTree(at('tree'), USER);
  for (const path of ['tree', 'tree/below', 'tree/below/file']) assert.equal(ownerOf(at(path)), USER.uid, path);
  for (const path of ['victim', 'victims', 'victims/file', 'tree/hard']) assert.equal(ownerOf(at(path)), 0, path);
});

test("a directory that is the user's already is left as it is", () => {
  mkdirSync(at('theirs'));
  writeFileSync(at('theirs', 'of-root'), '');
  chownSync(at('theirs'), USER.uid, USER.gid);
  giveTree(at('theirs'), USER);
  assert.equal(ownerOf(at('theirs', 'of-root')), 0);
});
