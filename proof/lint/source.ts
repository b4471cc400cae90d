// SPDX-License-Identifier: AGPL-3.0-or-later

/** A piece of a TypeScript source text that means something to the compiler. */
interface Token {
  readonly kind: 'code' | 'text' | 'template';
  readonly value: string;
  readonly line: number;
}

/** A word, a number, or a single other character. */
const CODE = /[\p{ID_Start}$_#][\p{ID_Continue}$]*|\d[\w.]*|[^\s]/uy;
const SKIPPED = /\s+|\/\/[^\n]*|\/\*[^]*?\*\//y;
const TEXT = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/y;
/** After these a slash begins a regular expression, elsewhere it divides. */
const BEFORE_REGEX = /^(?:[([{,;=:?!&|+*%<>~^-]|return|typeof|case)$/;
const REGEX = /\/(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;

/** Cuts source text into tokens, without comments. Inside a template, only what is between `${` and `}` is code. */
class Tokenizer {
  readonly #source: string;
  readonly #tokens: Token[] = [];
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  all(): Token[] {
    this.#code('');
    return this.#tokens;
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#source)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #push(kind: Token['kind'], value: string): void {
    const line = this.#source.slice(0, this.#at).split('\n').length;
    this.#tokens.push({ kind, value, line });
  }

  /** Reads to the end, or to the brace that closes a template's substitution. */
  #code(end: '' | '}'): void {
    let depth = 0;
    while (this.#at < this.#source.length) {
      if (this.#take(SKIPPED) !== undefined) continue;
      const text = this.#take(TEXT) ?? (this.#regexMayBegin() ? this.#take(REGEX) : undefined);
      if (text !== undefined) {
        this.#push('text', text.slice(1, -1));
        continue;
      }
      const word = this.#take(CODE) as string;
      if (word === '`') {
        this.#template();
        continue;
      }
      if (word === '{') depth += 1;
      if (word === '}' && depth === 0 && end === '}') return;
      if (word === '}') depth -= 1;
      this.#push('code', word);
    }
  }

  #regexMayBegin(): boolean {
    const last = this.#tokens.at(-1);
    return last === undefined || (last.kind === 'code' && BEFORE_REGEX.test(last.value));
  }

  #template(): void {
    let substituted = false;
    for (;;) {
      const plain = this.#take(/(?:[^`\\$]|\\[^]|\$(?!\{))*/y) ?? '';
      this.#at += this.#source.startsWith('${', this.#at) ? 2 : 1;
      if (this.#source[this.#at - 1] !== '{') {
        this.#push('text', substituted ? '' : plain);
        return;
      }
      substituted = true;
      this.#push('template', '${');
      this.#code('}');
      this.#push('template', '}');
    }
  }
}

/** Source text without comments and spacing, ready for patterns over code; `lineOf` leads back to the original. */
export interface Skeleton {
  readonly text: string;
  lineOf(position: number): number;
}

/**
 * One space between words, none elsewhere. A string is `"…"` with its content if that is a single word, else `""`; a
 * substitution in a template is `${ code }`.
 */
export function skeletonOf(source: string): Skeleton {
  let text = '';
  const starts: { position: number; line: number }[] = [];
  for (const token of new Tokenizer(source).all()) {
    const shown = token.kind === 'text' ? `"${/^[\w:./-]{1,40}$/.test(token.value) ? token.value : ''}"` : token.value;
    const spaced = /[\w$#]$/.test(text) && /^[\w$#]/.test(shown) ? ' ' : '';
    starts.push({ position: text.length, line: token.line });
    text += spaced + shown;
  }
  return { text, lineOf: (position) => starts.findLast((start) => start.position <= position)?.line ?? 1 };
}
