// SPDX-License-Identifier: AGPL-3.0-or-later
import { type Code, get, i32, sequence, set, v128, wasmInstance } from '../formats/wasm.ts';

/*
 * The compression of MD5 (RFC 1321 §3.4) as a WebAssembly module that is assembled here, as that of SHA-256 is: a RADIUS login
 * takes eight blocks. Nothing of a message is stored but its block, which is wiped when it has been taken, and the state.
 */

/** The layout of the module's memory. */
export const BLOCK = 0;
export const STATE = 64;
export const DIGEST = 80;
const END = 96;

const INITIAL = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
/** The integer part of 2^32 times |sin(i)|. */
const SINE = Int32Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32));

/** How far each of four steps of a round rotates, and which word a round begins with and how many it goes on. */
const ROUNDS = [
  { rotations: [7, 12, 17, 22], first: 0, stride: 1 },
  { rotations: [5, 9, 14, 20], first: 1, stride: 5 },
  { rotations: [4, 11, 16, 23], first: 5, stride: 3 },
  { rotations: [6, 10, 15, 21], first: 0, stride: 7 },
] as const;

/** The four words of the state, numbered; step t uses them turned by t places. */
const variable = (place: number, step: number): number => (place - step) & 3;
const LOCALS = { integers: 4, vectors: 0 };
const not = sequence(i32.constant(-1), i32.xor);

/**
 * Adds F, G, H or I of b, c and d. F is d ^ (b & (c ^ d)); the two halves of G share no bit and are added one by one: whatever
 * waits for b, the word that is known last, comes last.
 */
function addMixed(round: number, b: number, c: number, d: number): Code {
  const [x, y, z] = [get(b), get(c), get(d)];
  if (round === 0) return sequence(y, z, i32.xor, x, i32.and, z, i32.xor, i32.add);
  if (round === 1) return sequence(y, z, not, i32.and, i32.add, x, z, i32.and, i32.add);
  if (round === 2) return sequence(y, z, i32.xor, x, i32.xor, i32.add);
  return sequence(z, not, x, i32.or, y, i32.xor, i32.add);
}

function step(t: number): Code {
  const [a, b, c, d] = [variable(0, t), variable(1, t), variable(2, t), variable(3, t)];
  const number = t >> 4;
  const { rotations, first, stride } = ROUNDS[number] as (typeof ROUNDS)[number];
  const word = (first + stride * (t & 15)) & 15;
  return sequence(
    sequence(get(a), i32.constant(SINE[t] as number), i32.add, i32.load(BLOCK + 4 * word), i32.add),
    addMixed(number, b, c, d),
    sequence(i32.constant(rotations[t & 3] as number), i32.rotateLeft, get(b), i32.add, set(a)),
  );
}

/** The block into the state. */
function compression(): Code {
  const code: Code[] = [];
  for (let place = 0; place < 4; place += 1) code.push(i32.load(STATE + 4 * place), set(place));
  for (let t = 0; t < 64; t += 1) code.push(step(t));
  for (let place = 0; place < 4; place += 1) {
    const at = STATE + 4 * place;
    code.push(i32.store(at, sequence(i32.load(at), get(place), i32.add)));
  }
  return sequence(...code, cleared(BLOCK, STATE));
}

function cleared(from: number, to: number): Code {
  const zero = v128.constant(new Uint8Array(new ArrayBuffer(16)));
  const code: Code[] = [];
  for (let at = from; at < to; at += 16) code.push(v128.store(at, zero));
  return sequence(...code);
}

function begin(): Code {
  return sequence(...Array.from(INITIAL, (word, place) => i32.store(STATE + 4 * place, i32.constant(word))));
}

const compress = compression();

export const rounds = wasmInstance({
  /** Sets the initial state. */
  begin: { locals: LOCALS, code: begin() },
  /** Takes the block into the state and wipes it. */
  compress: { locals: LOCALS, code: compress },
  /** Takes the last block, leaves the digest and wipes what led to it. */
  finish: {
    locals: LOCALS,
    code: sequence(compress, v128.store(DIGEST, v128.load(STATE)), begin()),
  },
  /** Wipes the digest. */
  forget: { locals: LOCALS, code: cleared(DIGEST, END) },
});
