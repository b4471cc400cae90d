// SPDX-License-Identifier: AGPL-3.0-or-later

/** Instructions, as the bytes of the WebAssembly binary format (WebAssembly Core 2.0 §5.4). */
export type Code = readonly number[];

/** One after the other. */
export function sequence(...parts: readonly Code[]): Code {
  return parts.flat();
}

/** Unsigned LEB128, §5.2.2 */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}

/** Signed LEB128 of 32 bits, §5.2.2 */
function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value | 0; ; rest >>= 7) {
    if (rest >= -64 && rest < 64) return [...bytes, rest & 0x7f];
    bytes.push((rest & 0x7f) | 0x80);
  }
}

const vector = (opcode: number): number[] => [0xfd, ...unsigned(opcode)];

export const get = (local: number): Code => [0x20, ...unsigned(local)];
export const set = (local: number): Code => [0x21, ...unsigned(local)];
/** Sets a local and leaves its value. */
export const tee = (local: number): Code => [0x22, ...unsigned(local)];

/** 32-bit integers. Addresses are bytes from the start of the memory. */
export const i32 = {
  constant: (value: number): Code => [0x41, ...signed(value)],
  load: (address: number): Code => [0x41, 0, 0x28, 2, ...unsigned(address)],
  /** Stores what `value` leaves. */
  store: (address: number, value: Code): Code => [0x41, 0, ...value, 0x36, 2, ...unsigned(address)],
  add: [0x6a],
  and: [0x71],
  or: [0x72],
  xor: [0x73],
  rotateLeft: [0x77],
  rotateRight: [0x78],
} as const;

/** Vectors of four 32-bit lanes. Bytes and lanes of a shuffle count through both operands. */
export const v128 = {
  constant: (bytes: Uint8Array): Code => [...vector(12), ...bytes],
  load: (address: number): Code => [0x41, 0, ...vector(0), 4, ...unsigned(address)],
  /** Stores what `value` leaves. */
  store: (address: number, value: Code): Code => [0x41, 0, ...value, ...vector(11), 4, ...unsigned(address)],
  shuffleBytes: (bytes: readonly number[]): Code => [...vector(13), ...bytes],
  shuffleLanes: (lanes: readonly number[]): Code => [
    ...vector(13),
    ...lanes.flatMap((lane) => [4 * lane, 4 * lane + 1, 4 * lane + 2, 4 * lane + 3]),
  ],
  splat: vector(17),
  replaceLane: (lane: number): Code => [...vector(28), lane],
  extractLane: (lane: number): Code => [...vector(27), lane],
  or: vector(80),
  xor: vector(81),
  shiftLeft: vector(171),
  shiftRight: vector(173),
  /** In two lanes of 64 bits. */
  shiftRightWide: vector(205),
  add: vector(174),
} as const;

const sized = (bytes: Code): Code => sequence(unsigned(bytes.length), bytes);
const section = (id: number, content: Code): Code => [id, ...sized(content)];
const named = (name: string): Code => sized([...new TextEncoder().encode(name)]);

/** How many locals of each type a function has: the 32-bit integers are numbered first. */
export interface Locals {
  readonly integers: number;
  readonly vectors: number;
}

export interface WasmFunction {
  readonly locals: Locals;
  readonly code: Code;
}

/**
 * A module with one page of memory, exported as `memory`, and functions without parameters and results, exported by name
 * (§5.5).
 */
function wasmModule(functions: Readonly<Record<string, WasmFunction>>): Uint8Array<ArrayBuffer> {
  const entries = Object.entries(functions);
  const count = unsigned(entries.length);
  const exported = entries.map(([name], index) => sequence(named(name), [0], unsigned(index)));
  const bodies = entries.map(([, { locals, code }]) =>
    sized(sequence([2], unsigned(locals.integers), [0x7f], unsigned(locals.vectors), [0x7b], code, [0x0b])),
  );
  return Uint8Array.from(
    sequence(
      [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      section(1, [1, 0x60, 0, 0]),
      section(
        3,
        sequence(
          count,
          entries.map(() => 0),
        ),
      ),
      section(5, [1, 0, 1]),
      section(7, sequence(unsigned(entries.length + 1), named('memory'), [2, 0], ...exported)),
      section(10, sequence(count, ...bodies)),
    ),
  );
}

/** The part of the engine's interface that is used here. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

/** Compiles and starts a module. `Name` are the names of its functions. */
export function wasmInstance<Name extends string>(
  functions: Readonly<Record<Name, WasmFunction>>,
): Readonly<Record<Name, () => void>> & { readonly memory: { readonly buffer: ArrayBuffer } } {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(wasmModule(functions)));
  return instance.exports as ReturnType<typeof wasmInstance<Name>>;
}
