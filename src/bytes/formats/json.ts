// SPDX-License-Identifier: AGPL-3.0-or-later

/** A JSON text (RFC 8259) read with the line of every member, so that a complaint can say where. */
export interface LocatedJson {
  readonly value: unknown;
  /** Line (from 1) of the value at this path; of its nearest enclosing value where the path leads nowhere. */
  lineOf(path: readonly PropertyKey[]): number;
}

export type JsonProblem = { readonly problem: 'syntax' | 'duplicate key' | 'too deep'; readonly line: number };

interface Node {
  readonly value: unknown;
  readonly line: number;
  readonly members: ReadonlyMap<string, Node>;
}

const DEEPEST = 64;
const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy;
const SCALAR = /true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const NO_MEMBERS: ReadonlyMap<string, Node> = new Map();

class JsonError extends Error {
  readonly problem: JsonProblem['problem'];

  constructor(problem: JsonProblem['problem']) {
    super(problem);
    this.problem = problem;
  }
}

/** Stricter than JSON.parse: a key that occurs twice is refused. Problems carry no piece of the text. */
export function parseJson(text: string): LocatedJson | JsonProblem {
  const reader = new Reader(text);
  try {
    const root = reader.document();
    return { value: root.value, lineOf: (path) => lineOf(root, path) };
  } catch (error) {
    if (error instanceof JsonError) return { problem: error.problem, line: reader.line() };
    throw error;
  }
}

function lineOf(root: Node, path: readonly PropertyKey[]): number {
  let node = root;
  for (const step of path) {
    const next = node.members.get(String(step));
    if (next === undefined) break;
    node = next;
  }
  return node.line;
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  line(): number {
    let line = 1;
    for (let at = this.#text.indexOf('\n'); at !== -1 && at < this.#at; at = this.#text.indexOf('\n', at + 1))
      line += 1;
    return line;
  }

  document(): Node {
    const root = this.#value(0);
    this.#take(SPACE);
    if (this.#at !== this.#text.length) throw new JsonError('syntax');
    return root;
  }

  #value(depth: number): Node {
    if (depth > DEEPEST) throw new JsonError('too deep');
    this.#take(SPACE);
    const line = this.line();
    const next = this.#text[this.#at];
    if (next === '{') return this.#object(depth, line);
    if (next === '[') return this.#array(depth, line);
    const literal = this.#take(next === '"' ? STRING : SCALAR);
    return { value: JSON.parse(literal), line, members: NO_MEMBERS };
  }

  #object(depth: number, line: number): Node {
    const members = new Map<string, Node>();
    this.#list('}', () => {
      this.#take(SPACE);
      const keyLine = this.line();
      const key = JSON.parse(this.#take(STRING)) as string;
      if (members.has(key)) throw new JsonError('duplicate key');
      this.#expect(':');
      members.set(key, { ...this.#value(depth + 1), line: keyLine });
    });
    return { value: Object.fromEntries([...members].map(([key, node]) => [key, node.value])), line, members };
  }

  #array(depth: number, line: number): Node {
    const items: Node[] = [];
    this.#list(']', () => items.push(this.#value(depth + 1)));
    return {
      value: items.map((item) => item.value),
      line,
      members: new Map(items.map((item, index) => [String(index), item])),
    };
  }

  /** The opening bracket is next. Reads members up to the closing one. */
  #list(close: string, member: () => void): void {
    this.#at += 1;
    if (this.#found(close)) return;
    do member();
    while (this.#found(','));
    this.#expect(close);
  }

  #found(mark: string): boolean {
    this.#take(SPACE);
    if (this.#text[this.#at] !== mark) return false;
    this.#at += 1;
    return true;
  }

  #expect(mark: string): void {
    if (!this.#found(mark)) throw new JsonError('syntax');
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) throw new JsonError('syntax');
    this.#at += match[0].length;
    return match[0];
  }
}
