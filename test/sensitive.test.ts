// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { RULES, violations } from '../proof/lint/sensitive.ts';
import { ROOMS } from './rooms.ts';

/** Every file through which bytes of customers pass, as the table of rooms marks them. */
const PERSONAL = Object.entries(ROOMS)
  .filter(([, room]) => room.personal === true)
  .flatMap(([name]) => globSync(`src/${name}/**/*.ts`))
  .filter((file) => !file.endsWith('.test.ts'))
  .toSorted();

test('code that touches personal bytes keeps the rules', () => {
  assert.ok(PERSONAL.length >= 30);
  const found = PERSONAL.flatMap((file) =>
    violations(readFileSync(file, 'utf8')).map(({ rule, line, code }) => `${file}:${line} ${rule}: ${code}`),
  );
  assert.deepEqual(found, []);
});

/** One line each that must be refused, by the rule that refuses it. */
const BAD: Readonly<Record<string, readonly string[]>> = {
  'bytes become text': [
    "const user = line.subarray(9).toString('latin1');",
    'const user = line\n  // name\n  .toString();',
    'const user = line.latin1Slice(0, 4);',
    'const user = line.hexSlice();',
    "const text = bytes.join('.');",
    'const text = bytes.toHex();',
  ],
  'bytes are decoded': [
    'const decoder = new TextDecoder();',
    "socket.setEncoding('utf8');",
    'const name = decoder.decode(line);',
    'const path = decodeURIComponent(x);',
  ],
  'characters become text': [
    'const letter = String.fromCharCode(line[0]);',
    'const text = String(byte);',
    'const f = String /* */ . fromCodePoint;',
  ],
  'template with data': ['const reply = `client-deny ${user}`;', 'const nested = `a ${f(`b ${c}`)}`;'],
  Buffer: [
    'const all = Buffer.concat(parts);',
    'const copy = Buffer.from(line);',
    'const pooled = Buffer.allocUnsafe(8);',
    'const old = new Buffer(8);',
    'Buffer.poolSize = 8192;',
  ],
  'copy of bytes': [
    'const name = line.slice(0, 4);',
    'const name = Uint8Array.from(line);',
    'const name = line.toReversed();',
    'const name = structuredClone(line);',
  ],
  'small array in the heap': [
    'const key = new Uint8Array(16);',
    'const key = new Uint8Array(line);',
    'new Int32Array([1, 2]);',
  ],
  'keys from data': [
    'const byName = new Map<string, number>();',
    'const byName = new Map();',
    'const seen = new Set<string>();',
    'const record = Object.fromEntries(pairs);',
  ],
  'written out': ['console.log(1);', 'JSON.stringify(line);', 'process.stdout.write(line);', 'util.inspect(line);'],
  'error with data': [
    "throw new Error('no user ' + name);",
    'throw new RangeError(name);',
    'throw new ParseError(code, line);',
  ],
  'timer with data': [
    'setTimeout(() => this.#end(line), 10);',
    'setTimeout(() => { use(line); }, 10);',
    'process.nextTick(() => done(line));',
    'queueMicrotask(function () { done(line); });',
  ],
  'stream that allocates': [
    "socket.on('data', (piece) => this.#read(piece));",
    "socket.once('readable', read);",
    'for await (const piece of socket) read(piece);',
    'socket.pipe(other);',
  ],
  import: [
    "import { createHash } from 'node:crypto';",
    "import pg from 'pg';",
    "const fs = await import('node:fs');",
    "export { x } from 'zod';",
  ],
};

test('each rule refuses what it is there for', () => {
  for (const { name } of RULES) {
    const examples = BAD[name] ?? [];
    assert.ok(examples.length > 0, `${name} has an example`);
    for (const example of examples) {
      assert.ok(
        violations(example).some(({ rule }) => rule === name),
        `${name}: ${example}`,
      );
    }
  }
});

test('a violation is found on its line, behind every kind of text', () => {
  const source = [
    '// toString in a comment',
    "const note = 'console.log, it\\'s text';",
    'const plain = `Buffer.from without substitution`;',
    'const ratio = a / b / c; const digits = /[/"\\d]+/g;',
    'const user = line.toString();',
  ].join('\n');
  assert.deepEqual(
    violations(source).map(({ rule, line }) => [rule, line]),
    [['bytes become text', 5]],
  );
});

test('what the room needs is allowed', () => {
  const allowed = [
    "import { createConnection } from 'node:net';",
    "import { type Sessions, isRefusal } from '../sessions/session.ts';",
    'const line = new Uint8Array(new ArrayBuffer(8192));',
    'const words = new DataView(line.buffer);',
    'const view = new Int32Array(line.buffer, 0, 4);',
    "const WORD = Uint8Array.from('CONNECT,', (character) => character.charCodeAt(0));",
    'const ORDER = Uint8Array.from([0, 4, 8, 12]);',
    'const bytesOf = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));',
    'const live = new Map<number, Client>();',
    "throw new RangeError('the table is full');",
    'this.#wash ??= setTimeout(() => this.#overwrite(), 100);',
    "socket.on('message', (packet, from) => this.#receive(packet, from));",
    'Buffer.poolSize = 0;',
    'const place = line.subarray(4, 8);',
  ];
  for (const code of allowed) assert.deepEqual(violations(code), [], code);
});
