// SPDX-License-Identifier: AGPL-3.0-or-later
import { connect, type Socket } from 'node:net';
import { VICI, viciRequest } from '../../bytes/formats/vici.ts';
import { isWord, word } from '../../bytes/text/scan.ts';
import { Frames } from './vici-frames.ts';
import { SaEvent } from './vici-sa.ts';

/** The events that we ask charon for. */
export const EVENTS = ['ike-updown', 'child-updown', 'ike-rekey', 'child-rekey', 'list-sa'] as const;
export type ViciEvent = (typeof EVENTS)[number];

const NAMES: readonly Uint8Array[] = EVENTS.map(word);

export interface ViciListener {
  /** `sa` and the `bytes` that it points into are wiped when this returns. */
  event(name: ViciEvent, sa: SaEvent, bytes: Uint8Array): void;
  /** The connection is gone, perhaps because charon sent something that is not vici. Called once. */
  lost(junk: boolean): void;
}

/**
 * A connection to charon's vici socket. What comes is read into one buffer, picked apart in place and wiped; nothing
 * of it becomes text.
 */
export class ViciConnection {
  readonly #listener: ViciListener;
  readonly #frames = new Frames();
  readonly #event = new SaEvent();
  readonly #waiting: (() => void)[] = [];
  readonly #socket: Socket;
  /** From the moment in which {@link ViciConnection.open} resolves; only then is there anything to lose. */
  #open = false;

  /** Resolves when charon has agreed to tell about all events; rejects if it does not. */
  static async open(path: string, listener: ViciListener): Promise<ViciConnection> {
    const connection = new ViciConnection(path, listener);
    await new Promise<void>((resolve, reject) => {
      connection.#socket.once('connect', resolve);
      connection.#socket.once('error', reject);
    });
    await Promise.all(EVENTS.map((name) => connection.#ask(viciRequest(VICI.register, name))));
    if (connection.#socket.destroyed) throw new Error('charon went away');
    connection.#open = true;
    return connection;
  }

  private constructor(path: string, listener: ViciListener) {
    this.#listener = listener;
    const piece = new Uint8Array(new ArrayBuffer(65_536));
    this.#socket = connect({
      path,
      onread: {
        buffer: piece,
        callback: (length) => {
          if (!this.#frames.take(piece, length, this.#packet)) this.#end(true);
          return true;
        },
      },
    });
    // What follows an error is always a close.
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => this.#end(false));
  }

  /** Lets charon tell about every IKE_SA in a `list-sa` event. Resolves after the last one, or when the connection ends. */
  listSas(): Promise<void> {
    return this.#ask(viciRequest(VICI.request, 'list-sas', { noblock: 'yes' }));
  }

  /** Lets charon end an IKE_SA; its end is told in events. */
  async terminate(ikeSa: number): Promise<void> {
    await this.#ask(viciRequest(VICI.request, 'terminate', { 'ike-id': ikeSa, timeout: -1 }));
  }

  /** Ends the connection without a call to `lost`. */
  close(): void {
    this.#open = false;
    this.#end(false);
  }

  #ask(request: Uint8Array): Promise<void> {
    if (this.#socket.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#socket.write(request);
    });
  }

  readonly #packet = (bytes: Uint8Array, start: number, end: number): boolean => {
    const type = bytes[start] as number;
    if (type === VICI.event) return this.#told(bytes, start + 1, end);
    if (type !== VICI.response && type !== VICI.confirm && type !== VICI.unknown) return false;
    const answered = this.#waiting.shift();
    answered?.();
    return answered !== undefined;
  };

  #told(bytes: Uint8Array, start: number, end: number): boolean {
    if (start === end) return false;
    const body = start + 1 + (bytes[start] as number);
    if (body > end) return false;
    const name = EVENTS[eventIndex(bytes, start + 1, body)];
    if (name === undefined) return false;
    try {
      if (!this.#event.read(bytes, body, end)) return false;
      if (this.#open) this.#listener.event(name, this.#event, bytes);
      return true;
    } finally {
      this.#event.wipe();
    }
  }

  #end(junk: boolean): void {
    this.#socket.destroy();
    this.#frames.wipe();
    for (const answered of this.#waiting.splice(0)) answered();
    if (!this.#open) return;
    this.#open = false;
    this.#listener.lost(junk);
  }
}

function eventIndex(bytes: Uint8Array, start: number, end: number): number {
  return NAMES.findIndex((name) => isWord(bytes, start, end, name));
}
