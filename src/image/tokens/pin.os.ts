// SPDX-License-Identifier: AGPL-3.0-or-later
import { closeSync, fstatSync, openSync, readFileSync, readSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';

/** Where the PIN comes from. It is never an argument and never in the environment: both can be read in /proc. */
export type PinSource =
  | { readonly kind: 'terminal' }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'descriptor'; readonly descriptor: number };

/** No PIN could be had. The message says what to do. */
export class PinError extends Error {
  override readonly name = 'PinError';
}

/** The part of a terminal that is needed to ask without echo. `process.stdin` is one. */
export interface Keyboard {
  readonly isTTY?: boolean;
  setRawMode(raw: boolean): unknown;
  on(event: 'data', listener: (chunk: Uint8Array) => void): unknown;
  off(event: 'data', listener: (chunk: Uint8Array) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

const MEMORY_FILE_SYSTEMS = new Set([0x01021994 /* tmpfs */, 0x858458f6 /* ramfs */]);
const LONGEST = 255;
const KEY = { enter: 13, newline: 10, interrupt: 3, end: 4, backspace: 8, delete: 127 } as const;

/** The PIN as bytes, which the caller wipes ({@link wipe}). */
export async function readPin(
  source: PinSource,
  terminal: { readonly keyboard: Keyboard; write(text: string): void },
  prompt: string,
): Promise<Uint8Array> {
  const pin =
    source.kind === 'terminal'
      ? await ask(terminal, prompt)
      : source.kind === 'file'
        ? fromFile(source.path)
        : fromDescriptor(source.descriptor);
  if (pin.length === 0) throw new PinError('no PIN was given');
  return pin;
}

export function wipe(pin: Uint8Array): void {
  pin.fill(0);
}

function ask(
  terminal: { readonly keyboard: Keyboard; write(text: string): void },
  prompt: string,
): Promise<Uint8Array> {
  const { keyboard } = terminal;
  if (keyboard.isTTY !== true)
    return Promise.reject(new PinError('nobody can be asked for the PIN here; give --pin-fd or --pin-file'));
  terminal.write(prompt);
  const typed = new Uint8Array(LONGEST);
  let length = 0;
  return new Promise((resolve, reject) => {
    const done = (finish: () => void) => {
      keyboard.off('data', listen);
      keyboard.setRawMode(false);
      keyboard.pause();
      terminal.write('\n');
      finish();
      typed.fill(0);
    };
    const listen = (chunk: Uint8Array) => {
      for (const key of chunk) {
        if (key === KEY.enter || key === KEY.newline || key === KEY.end)
          return done(() => resolve(typed.slice(0, length)));
        if (key === KEY.interrupt) return done(() => reject(new PinError('no PIN was given')));
        if (key === KEY.backspace || key === KEY.delete) length = Math.max(0, length - 1);
        else if (length < LONGEST) typed[length++] = key;
      }
      chunk.fill(0);
    };
    keyboard.setRawMode(true);
    keyboard.on('data', listen);
    keyboard.resume();
  });
}

/** A file that holds a PIN must be in memory, and its owner's alone. */
function fromFile(path: string): Uint8Array {
  if (!MEMORY_FILE_SYSTEMS.has(statfsSync(dirname(path)).type))
    throw new PinError(`${path} is not on a tmpfs: a PIN must not reach a disk`);
  const descriptor = openSync(path, 'r');
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile() || (stat.mode & 0o077) !== 0)
      throw new PinError(`${path} must be a file that others cannot read`);
    return fromDescriptor(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Up to the end, or to the first line break. */
function fromDescriptor(descriptor: number): Uint8Array {
  const bytes = new Uint8Array(LONGEST + 2);
  let length = 0;
  for (let got = 1; got > 0 && length < bytes.length; length += got) {
    got = readSync(descriptor, bytes, length, bytes.length - length, null);
  }
  const line = bytes.subarray(0, length).findIndex((byte) => byte === KEY.enter || byte === KEY.newline);
  const pin = bytes.slice(0, line < 0 ? length : line);
  bytes.fill(0);
  if (pin.length > LONGEST) throw new PinError(`a PIN has at most ${LONGEST} characters`);
  return pin;
}

/** Whether what is in memory may be written to a disk after all. */
export function hasSwap(): boolean {
  return readFileSync('/proc/swaps', 'utf8').trim().split('\n').length > 1;
}
