// SPDX-License-Identifier: AGPL-3.0-or-later
import { connect, type Socket } from 'node:net';
import type { OpenvpnReader } from './openvpn.ts';

/**
 * How a connection ended.
 * - `refused`: no process listens there;
 * - `hung up`: the daemon closed it;
 * - `junk`: the daemon spoke something else than its protocol;
 * - `closed`: we did.
 */
export type ManagementEnd = 'refused' | 'hung up' | 'junk' | 'closed';

/** A connection to OpenVPN's management socket. What comes is read into one buffer, which the reader wipes. */
export class ManagementConnection {
  readonly #reader: OpenvpnReader;
  readonly #socket: Socket;
  #end: ManagementEnd = 'refused';

  constructor(
    path: string,
    reader: OpenvpnReader,
    listener: { readonly open: () => void; readonly ended: (how: ManagementEnd) => void },
  ) {
    this.#reader = reader;
    this.#socket = connect({
      path,
      onread: { buffer: reader.receive, callback: (count) => this.#received(count) },
    });
    this.#socket.on('connect', () => {
      this.#end = 'hung up';
      listener.open();
    });
    // What follows an error is always a close.
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => {
      reader.wipe();
      listener.ended(this.#end);
    });
  }

  /** Sends a command, which consists of our own words and OpenVPN's own numbers. */
  send(command: string): void {
    if (!this.#socket.writable) return;
    this.#socket.write(command);
    this.#socket.write('\n');
  }

  close(how: ManagementEnd = 'closed'): void {
    this.#end = how;
    this.#socket.destroy();
  }

  #received(count: number): boolean {
    if (!this.#reader.received(count)) this.close('junk');
    return true;
  }
}
