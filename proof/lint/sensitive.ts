// SPDX-License-Identifier: AGPL-3.0-or-later
import { skeletonOf } from './source.ts';

/** Something that code which touches personal bytes must not do. */
export interface Rule {
  readonly name: string;
  /** What would be left in memory. */
  readonly because: string;
  /** Over the skeleton of the source: no comments, no spacing, long strings empty. */
  readonly pattern: RegExp;
}

export interface Violation {
  readonly rule: string;
  readonly line: number;
  readonly code: string;
}

const ARRAY = '(?:Uint8|Int8|Uint8Clamped|Uint16|Int16|Uint32|Int32|Float32|Float64|BigInt64|BigUint64)Array';

/**
 * In src/gateway/sensitive, addresses, names, passwords and keys are in static arrays that we overwrite. A string, a
 * closure or a copy made by the engine cannot be overwritten and stays until a collector happens to reuse its place.
 */
export const RULES: readonly Rule[] = [
  {
    name: 'bytes become text',
    because: 'strings cannot be overwritten',
    pattern:
      /\.(?:toString|toLocaleString|toHex|toBase64|join|(?:latin1|utf8|ascii|hex|base64|base64url|ucs2|utf16le)Slice)\b/g,
  },
  {
    name: 'bytes are decoded',
    because: 'strings cannot be overwritten',
    pattern: /\b(?:TextDecoder|StringDecoder|decodeURI(?:Component)?|setEncoding)\b|\.decode\(/g,
  },
  {
    name: 'characters become text',
    because: 'strings cannot be overwritten',
    pattern: /\bString\(|\bString\.(?:fromCharCode|fromCodePoint|raw)\b/g,
  },
  {
    name: 'template with data',
    because: 'strings cannot be overwritten',
    pattern: /\$\{/g,
  },
  {
    name: 'Buffer',
    because: 'small buffers share a pool, and conversions copy',
    pattern: /\bBuffer\.(?!poolSize=0;)\w+|\bnew Buffer\b/g,
  },
  {
    name: 'copy of bytes',
    because: 'nobody overwrites the copy',
    pattern: new RegExp(
      String.raw`\.(?:slice|toReversed|toSorted|toSpliced|with|concat)\(|\bstructuredClone\b|\b${ARRAY}\.from\((?!"|\{length|\[\d|\w+,\(\w+\)=>\w+\.charCodeAt\(0\))`,
      'g',
    ),
  },
  {
    name: 'small array in the heap',
    because: 'the collector moves arrays of up to 64 bytes and leaves the old place as it was',
    pattern: new RegExp(String.raw`\bnew ${ARRAY}\((?!new ArrayBuffer\(|[\w.#]+\.buffer\b|0\))`, 'g'),
  },
  {
    name: 'keys from data',
    because: 'keys are strings or are kept by the map; only numbers may be keys',
    pattern: /\bnew (?:Map|Set|WeakMap|WeakSet)(?!<number\b)\b|\bObject\.(?:fromEntries|assign|entries)\b/g,
  },
  {
    name: 'written out',
    because: 'what is written leaves the room',
    pattern: /\bconsole\b|\bJSON\.|\bprocess\.(?:stdout|stderr|emitWarning)\b|\binspect\b/g,
  },
  {
    name: 'error with data',
    because: 'errors are kept, chained and shown',
    pattern: /\bnew \w*Error\((?!\)|"[^"]*"\))/g,
  },
  {
    name: 'timer with data',
    because: 'what a closure holds lives as long as the timer; only a call without arguments may wait',
    pattern:
      /\b(?:setTimeout|setInterval|setImmediate|queueMicrotask|nextTick)\((?!\(\)=>(?:\w+|this)\.#?\w+\(\)[,)]|\w+[,)])/g,
  },
  {
    name: 'stream that allocates',
    because: 'the runtime makes a new block for every piece; use onread with a static one',
    pattern: /\.(?:on|once|addListener|prependListener)\("(?:data|readable)"|\bfor await\b|\.pipe\(|\bpipeline\(/g,
  },
  {
    name: 'import',
    because: 'only sockets are needed here; other modules copy what they are given',
    pattern: /\bfrom"(?!node:net"|node:dgram"|\.\.?\/)[^"]*"|\bimport\(|\brequire\(/g,
  },
];

/** Every place of a source text where it breaks a rule. */
export function violations(source: string): Violation[] {
  const skeleton = skeletonOf(source);
  return RULES.flatMap(({ name, pattern }) =>
    Array.from(skeleton.text.matchAll(pattern), (match) => ({
      rule: name,
      line: skeleton.lineOf(match.index),
      code: skeleton.text.slice(match.index, match.index + 60),
    })),
  );
}
