// SPDX-License-Identifier: AGPL-3.0-or-later
import { type Code, get, i32, sequence, set, tee, v128, wasmInstance } from '../formats/wasm.ts';

/*
 * The compression of SHA-256 (FIPS 180-4 §6.2.2) as a WebAssembly module that is assembled here, because a credential is
 * one block and the rounds are most of a login: the four-lane schedule and the unrolled rounds take 0.4 of the time of
 * the same loop in JavaScript. The schedule runs four rounds ahead and hands its words over in memory, so that no round
 * waits for them; block, state and those words are all that is stored of a message.
 */

/** The layout of the module's memory. */
export const BLOCK = 0;
export const STATE = 64;
export const DIGEST = 96;
/** Words of the schedule with their constants added: of the rounds under way, and of the next four. */
const KW = 128;
const END = 160;
/** The constants of the rounds. */
const CONSTANTS = 256;

/** FIPS 180-4 §4.2.2 */
const K = Uint32Array.of(
  0x428a2f98,
  0x71374491,
  0xb5c0fbcf,
  0xe9b5dba5,
  0x3956c25b,
  0x59f111f1,
  0x923f82a4,
  0xab1c5ed5,
  0xd807aa98,
  0x12835b01,
  0x243185be,
  0x550c7dc3,
  0x72be5d74,
  0x80deb1fe,
  0x9bdc06a7,
  0xc19bf174,
  0xe49b69c1,
  0xefbe4786,
  0x0fc19dc6,
  0x240ca1cc,
  0x2de92c6f,
  0x4a7484aa,
  0x5cb0a9dc,
  0x76f988da,
  0x983e5152,
  0xa831c66d,
  0xb00327c8,
  0xbf597fc7,
  0xc6e00bf3,
  0xd5a79147,
  0x06ca6351,
  0x14292967,
  0x27b70a85,
  0x2e1b2138,
  0x4d2c6dfc,
  0x53380d13,
  0x650a7354,
  0x766a0abb,
  0x81c2c92e,
  0x92722c85,
  0xa2bfe8a1,
  0xa81a664b,
  0xc24b8b70,
  0xc76c51a3,
  0xd192e819,
  0xd6990624,
  0xf40e3585,
  0x106aa070,
  0x19a4c116,
  0x1e376c08,
  0x2748774c,
  0x34b0bcb5,
  0x391c0cb3,
  0x4ed8aa4a,
  0x5b9cca4f,
  0x682e6ff3,
  0x748f82ee,
  0x78a5636f,
  0x84c87814,
  0x8cc70208,
  0x90befffa,
  0xa4506ceb,
  0xbef9a3f7,
  0xc67178f2,
);

/** FIPS 180-4 §5.3.3 */
const INITIAL = Uint32Array.of(
  0x6a09e667,
  0xbb67ae85,
  0x3c6ef372,
  0xa54ff53a,
  0x510e527f,
  0x9b05688c,
  0x1f83d9ab,
  0x5be0cd19,
);

/** The working variables a to h, numbered; round t uses them turned by t places. */
const variable = (place: number, round: number): number => (place - round) & 7;
const T1 = 8;
/** a ^ b of this round, and of the one before, which is b ^ c of this one. */
const differs = (round: number): number => 9 + (round & 1);
/** Vectors: sixteen words of the schedule in four, and one to think with. */
const schedule = (quad: number): number => 11 + (quad & 3);
const X = 15;
const LOCALS = { integers: 11, vectors: 5 };

const ZERO = v128.constant(new Uint8Array(new ArrayBuffer(16)));
const turnBytes = v128.shuffleBytes([3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12]);

function four(words: Uint32Array, from: number): Code {
  const bytes = new Uint8Array(new ArrayBuffer(16));
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < 4; i += 1) view.setUint32(4 * i, words[from + i] as number, true);
  return v128.constant(bytes);
}

/** Σ of §4.1.2: three rotations of a local. */
function bigSigma(local: number, p: number, q: number, r: number): Code {
  const rotated = (by: number): Code => sequence(get(local), i32.constant(by), i32.rotateRight);
  return sequence(rotated(p), rotated(q), i32.xor, rotated(r), i32.xor);
}

/** σ of §4.1.2 in each lane of a local: two rotations and a shift. */
function smallSigma(local: number, p: number, q: number, r: number): Code {
  const right = (by: number): Code => sequence(get(local), i32.constant(by), v128.shiftRight);
  const left = (by: number): Code => sequence(get(local), i32.constant(by), v128.shiftLeft);
  const rotated = (by: number): Code => sequence(right(by), left(32 - by), v128.or);
  return sequence(rotated(p), rotated(q), v128.xor, right(r), v128.xor);
}

/** σ1 of the words 0 and 2 of a local that holds each twice: a rotation of a word is a shift of the pair. */
function sigma1OfPairs(local: number): Code {
  const right = (by: number): Code => sequence(get(local), i32.constant(by), v128.shiftRightWide);
  return sequence(right(17), right(19), v128.xor, get(local), i32.constant(10), v128.shiftRight, v128.xor);
}

/** Words t to t + 3 of the schedule in place of t - 16 to t - 13. The last two depend on the first two: two halves. */
function expand(quad: number): Code {
  const place = schedule(quad);
  const [w16, w12, w8, w4] = [get(place), get(schedule(quad + 1)), get(schedule(quad + 2)), get(schedule(quad + 3))];
  const sigma1 = sigma1OfPairs(X);
  return sequence(
    sequence(w16, w12, v128.shuffleLanes([1, 2, 3, 4]), set(X)),
    sequence(w16, smallSigma(X, 7, 18, 3), v128.add),
    sequence(w8, w4, v128.shuffleLanes([1, 2, 3, 4]), v128.add, set(place)),
    sequence(w4, w4, v128.shuffleLanes([2, 2, 3, 3]), set(X)),
    sequence(w16, sigma1, ZERO, v128.shuffleLanes([0, 2, 4, 4]), v128.add, set(place)),
    sequence(w16, w16, v128.shuffleLanes([0, 0, 1, 1]), set(X)),
    sequence(w16, sigma1, ZERO, v128.shuffleLanes([4, 4, 0, 2]), v128.add, set(place)),
  );
}

/** Four words of the schedule, with their constants, to where their rounds find them. */
function prepare(quad: number): Code {
  const words = sequence(get(schedule(quad)), v128.load(CONSTANTS + 16 * quad), v128.add);
  return sequence(quad < 4 ? [] : expand(quad), v128.store(KW + 16 * (quad & 1), words));
}

/** Ch(e, f, g) is g ^ (e & (f ^ g)) and Maj(a, b, c) is b ^ ((a ^ b) & (b ^ c)). */
function round(t: number): Code {
  const [a, b, d] = [variable(0, t), variable(1, t), variable(3, t)];
  const [e, f, g, h] = [variable(4, t), variable(5, t), variable(6, t), variable(7, t)];
  return sequence(
    sequence(get(h), i32.load(KW + 4 * (t & 7)), i32.add),
    sequence(get(g), get(e), get(f), get(g), i32.xor, i32.and, i32.xor, i32.add),
    sequence(bigSigma(e, 6, 11, 25), i32.add, set(T1)),
    sequence(get(d), get(T1), i32.add, set(d)),
    sequence(get(T1), bigSigma(a, 2, 13, 22), i32.add),
    sequence(get(a), get(b), i32.xor, tee(differs(t)), get(differs(t + 1)), i32.and, get(b), i32.xor, i32.add, set(h)),
  );
}

/** The block into the state. */
function compression(): Code {
  const code: Code[] = [];
  for (let quad = 0; quad < 4; quad += 1) {
    code.push(v128.load(BLOCK + 16 * quad), ZERO, turnBytes, set(schedule(quad)));
  }
  for (let place = 0; place < 8; place += 1) code.push(i32.load(STATE + 4 * place), set(place));
  code.push(get(variable(1, 0)), get(variable(2, 0)), i32.xor, set(differs(-1)), prepare(0));
  for (let quad = 0; quad < 16; quad += 1) {
    if (quad < 15) code.push(prepare(quad + 1));
    for (let t = 4 * quad; t < 4 * quad + 4; t += 1) code.push(round(t));
  }
  return sequence(...code, addToState(0), addToState(1));
}

/** Four of the working variables, which are back where they began after 64 rounds. */
function addToState(half: number): Code {
  const at = STATE + 16 * half;
  const lanes = [1, 2, 3].map((lane) => sequence(get(4 * half + lane), v128.replaceLane(lane)));
  return v128.store(at, sequence(v128.load(at), get(4 * half), v128.splat, ...lanes, v128.add));
}

function begin(): Code {
  return sequence(v128.store(STATE, four(INITIAL, 0)), v128.store(STATE + 16, four(INITIAL, 4)));
}

/** The state as bytes to the digest's place; everything else is wiped. */
function end(): Code {
  const turned = (half: number): Code => sequence(v128.load(STATE + 16 * half), ZERO, turnBytes);
  return sequence(
    v128.store(DIGEST, turned(0)),
    v128.store(DIGEST + 16, turned(1)),
    cleared(BLOCK, DIGEST),
    cleared(KW, END),
  );
}

function cleared(from: number, to: number): Code {
  const code: Code[] = [];
  for (let at = from; at < to; at += 16) code.push(v128.store(at, ZERO));
  return sequence(...code);
}

const compress = compression();

export const rounds = wasmInstance({
  /** Sets the initial state. */
  begin: { locals: LOCALS, code: begin() },
  compress: { locals: LOCALS, code: compress },
  /** Compresses the last block, leaves the digest and wipes what led to it. */
  finish: { locals: LOCALS, code: sequence(compress, end()) },
  /** All three for a message of one block. */
  single: { locals: LOCALS, code: sequence(begin(), compress, end()) },
  /** Wipes the digest of a message that was finished. */
  forget: { locals: LOCALS, code: cleared(DIGEST, KW) },
  /** Wipes everything, the digest too. */
  wipe: { locals: LOCALS, code: cleared(BLOCK, END) },
});

new Uint32Array(rounds.memory.buffer, CONSTANTS, K.length).set(K);
