// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Socket } from 'node:net';
import { FakeService } from '../network/fake-service.os.ts';

// charon's side of vici, for tests: it encodes what charon would tell and answers what charon is asked.

export interface Message {
  readonly [name: string]: string | readonly string[] | Message;
}

function named(element: number, name: string): Buffer {
  return Buffer.concat([Buffer.from([element, name.length]), Buffer.from(name)]);
}

function value(element: number | undefined, text: string): Buffer {
  const content = Buffer.from(text);
  const head = Buffer.alloc(2);
  head.writeUInt16BE(content.length);
  return Buffer.concat([Buffer.from(element === undefined ? [] : [element]), head, content]);
}

export function message(fields: Message): Buffer {
  return Buffer.concat(
    Object.entries(fields).map(([name, field]) => {
      if (typeof field === 'string') return Buffer.concat([named(3, name), value(undefined, field)]);
      if (Array.isArray(field)) {
        const items = (field as readonly string[]).map((item) => value(5, item));
        return Buffer.concat([named(4, name), ...items, Buffer.from([6])]);
      }
      return Buffer.concat([named(1, name), message(field as Message), Buffer.from([2])]);
    }),
  );
}

export function framed(type: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat([Buffer.from([type]), ...parts]);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  return Buffer.concat([head, body]);
}

export function event(name: string, fields: Message): Buffer {
  return framed(7, Buffer.from([name.length]), Buffer.from(name), message(fields));
}

/** An IKE_SA as events show it, with its CHILD_SAs. */
export function ikeSa(unique: number, children: Readonly<Record<string, Message>> = {}, more: Message = {}): Message {
  return {
    uniqueid: String(unique),
    version: '2',
    state: 'ESTABLISHED',
    'local-host': '198.51.100.1',
    'remote-host': '203.0.113.9',
    'remote-id': '203.0.113.9',
    'remote-eap-id': 'alice',
    'remote-vips': ['10.64.128.7', 'fd6c:6574:6865:3::7'],
    'tasks-active': [],
    ...more,
    'child-sas': children,
  };
}

export function childSa(unique: number, bytesIn: number, bytesOut: number): Message {
  return {
    name: 'tunnel',
    uniqueid: String(unique),
    'bytes-in': String(bytesIn),
    'packets-in': '9',
    'bytes-out': String(bytesOut),
    'local-ts': ['0.0.0.0/0'],
  };
}

/** A charon that carries what it is told to carry. */
export class FakeCharon extends FakeService {
  /** What `list-sas` tells. */
  sas: Message[] = [];
  /** Hears and says nothing. */
  silent = false;
  /** Numbers of the IKE_SAs that it was asked to end. */
  readonly terminated: number[] = [];
  /** Commands and registrations, in order. */
  readonly asked: string[] = [];

  protected serve(socket: Socket): void {
    let pending: Buffer = Buffer.alloc(0);
    socket.on('data', (data: Buffer) => {
      pending = Buffer.concat([pending, data]);
      while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32BE(0)) {
        const end = 4 + pending.readUInt32BE(0);
        this.#answer(socket, pending.subarray(4, end));
        pending = pending.subarray(end);
      }
    });
  }

  /** Sends bytes to all that are connected. */
  tell(...packets: readonly Uint8Array[]): void {
    for (const socket of this.connections) socket.write(Buffer.concat(packets));
  }

  #answer(socket: Socket, request: Buffer): void {
    const name = request.subarray(2, 2 + (request[1] as number)).toString();
    this.asked.push(name);
    if (this.silent) return;
    if (request[0] === 3) {
      socket.write(framed(5));
      return;
    }
    if (name === 'list-sas') for (const sa of this.sas) socket.write(event('list-sa', { lethe: sa }));
    const id = /ike-id..(\d+)/s.exec(request.toString('latin1'))?.[1];
    if (name === 'terminate') this.terminated.push(Number(id));
    socket.write(framed(1, message({ success: 'yes' })));
  }
}
