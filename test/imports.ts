// SPDX-License-Identifier: AGPL-3.0-or-later
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { EXCEPTIONS, FLOORS, type Room } from './rooms.ts';

/** One import as written in a file. */
export interface Import {
  readonly file: string;
  readonly room: string;
  /** Whether a test imports, which has more rights. */
  readonly test: boolean;
  /** The room of a file of ours, else undefined. */
  readonly target?: string;
  /** The npm package, else undefined. */
  readonly package?: string;
}

/** `src/gateway/agent/exit.ts` → `gateway/agent`; `src/onebox/x.ts` → `onebox`; `cmd/gateway.ts` → `cmd/gateway`. */
export function roomOf(file: string): string {
  const [top = '', ...rest] = file.split('/');
  if (top === 'cmd') return `cmd/${rest[0]?.replace(/\.ts$/, '')}`;
  if (top === 'proof') return `proof/${rest[0]}`;
  if (top !== 'src') return top;
  return rest.length > 2 ? `${rest[0]}/${rest[1]}` : (rest[0] ?? '');
}

export function floorOf(room: string): string {
  return room.split('/')[0] ?? '';
}

export function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Every module that a file names in an import or an export, also those imported when needed. */
export function specifiersOf(text: string): string[] {
  return [...text.matchAll(/(?:\bfrom\s+|\bimport\s*\(\s*|^import\s+)'([@\w.][^'\s]*)'/gm)].map(
    (match) => match[1] as string,
  );
}

/** Imports whose module is only known when they run, as they are written: no table can allow them. */
export function computedImports(text: string): string[] {
  const code = text.replaceAll(/\/\*[^]*?\*\/|(?<=^|\s)\/\/[^\n]*/g, '');
  return [...code.matchAll(/(?<![\w.'"`$])import\s*\((?!\s*'[^']*'\s*[,)])[^\n]*/g)].map((match) => match[0]);
}

/** The file that a relative specifier names, from the root of the repository. */
export function fileOf(from: string, specifier: string): string {
  return normalize(join(dirname(from), specifier));
}

/** The imports of a file, of other rooms and packages only. */
export function importsOf(file: string, text: string = readFileSync(file, 'utf8')): Import[] {
  const room = roomOf(file);
  const test = file.endsWith('.test.ts');
  return specifiersOf(text).flatMap((specifier): Import[] => {
    if (specifier.startsWith('node:')) return [];
    if (!specifier.startsWith('.')) return [{ file, room, test, package: packageOf(specifier) }];
    const target = roomOf(fileOf(file, specifier));
    return target === room ? [] : [{ file, room, test, target }];
  });
}

function words(list: string | undefined): string[] {
  return (list ?? '').split(' ').filter((word) => word !== '');
}

/** Why an import is not allowed, or undefined when it is. */
export function objection(rooms: Readonly<Record<string, Room>>, one: Import): string | undefined {
  const room = rooms[one.room];
  if (room === undefined) return `${one.file}: ${one.room} is not in the table of rooms`;
  const allowed =
    one.target === undefined
      ? [...words(room.packages), ...(one.test ? words(room.testPackages) : [])].includes(one.package ?? '')
      : [...words(room.uses), ...(one.test ? words(room.tests) : [])].includes(one.target);
  return allowed ? undefined : `${one.file}: ${one.room} may not use ${one.target ?? one.package}`;
}

/** What is wrong with the table itself: an unknown room, a line that uses one below it, a floor that it must not use. */
export function* tableProblems(rooms: Readonly<Record<string, Room>>): Generator<string> {
  const above = new Set<string>();
  for (const [name, room] of Object.entries(rooms)) {
    for (const other of words(room.uses)) {
      if (!above.has(other)) yield `${name} uses ${other}, which does not stand above it`;
      if (!mayUse(name, other)) yield `${name} uses ${other}, which its floor may not`;
    }
    for (const other of words(room.tests)) {
      if (rooms[other] === undefined) yield `tests of ${name} use ${other}, which is not in the table`;
      if (!mayTestWith(name, other)) yield `tests of ${name} use ${other}, which their floor may not`;
    }
    above.add(name);
  }
}

function mayUse(room: string, other: string): boolean {
  const floors = FLOORS[floorOf(room)];
  if (floors === undefined) return false;
  if (EXCEPTIONS.some(([who, what]) => who === room && what === other)) return true;
  return floorOf(other) === floorOf(room) || floors.split(' ').includes(floorOf(other));
}

/** Tests may look through other eyes: labs, the hunt for leaks, chance, and programs of this machine. */
function mayTestWith(room: string, other: string): boolean {
  return mayUse(room, other) || ['core', 'host'].includes(floorOf(other)) || /^proof\/(labs|hunt)$/.test(other);
}

/** Rights in the table that are not used, or that are listed twice. */
export function* unusedRights(rooms: Readonly<Record<string, Room>>, imports: readonly Import[]): Generator<string> {
  for (const [name, room] of Object.entries(rooms)) {
    const own = imports.filter((one) => one.room === name);
    for (const kind of ['uses', 'packages', 'tests', 'testPackages'] as const) {
      const ofTests = kind === 'tests' || kind === 'testPackages';
      const used = new Set(own.filter((one) => one.test === ofTests).map((one) => one.target ?? one.package));
      for (const right of words(room[kind])) {
        if (!used.has(right)) yield `${name} never uses ${right} (${kind})`;
      }
    }
    const code = new Set([...words(room.uses), ...words(room.packages)]);
    for (const right of [...words(room.tests), ...words(room.testPackages)]) {
      if (code.has(right)) yield `${name} has the right to ${right} twice`;
    }
  }
}

/**
 * Circles of files: each list is a way from a file back to itself. `importsOf` gives the files that a file imports; what is
 * only loaded when it is asked for is among them, and types are.
 */
export function circlesOf(files: readonly string[], importsOf: (file: string) => readonly string[]): string[][] {
  const done = new Set<string>();
  const circles: string[][] = [];
  const follow = (file: string, way: readonly string[]): void => {
    const seen = way.indexOf(file);
    if (seen !== -1) circles.push(way.slice(seen));
    if (seen !== -1 || done.has(file)) return;
    for (const next of importsOf(file)) follow(next, [...way, file]);
    done.add(file);
  };
  for (const file of files) follow(file, []);
  return circles;
}
