// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Socket } from 'node:net';
import { FakeService } from '../network/fake-service.os.ts';

/** An attribute of netlink(7): its type without flags, and its value. */
export interface Attribute {
  readonly type: number;
  readonly value: Buffer;
}

const HEADER = 16;
const GENERIC = 4;
const ALIGN = 4;
const ACK = 2;
const DONE = 3;
const MULTI = 2;
const NESTED = 0x8000;

/** The number under which it knows WireGuard. */
const FAMILY = 0x1d;
const CONTROL = 0x10;
const FAMILY_ID = 1;

const GET_DEVICE = 0;

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((ALIGN - (bytes.length % ALIGN)) % ALIGN)]);
}

/** An attribute in bytes; a list of such makes a nest. */
export function attribute(type: number, value: Buffer | readonly Buffer[]): Buffer {
  const content = Buffer.isBuffer(value) ? value : Buffer.concat(value);
  const head = Buffer.alloc(4);
  head.writeUInt16LE(4 + content.length, 0);
  head.writeUInt16LE(Buffer.isBuffer(value) ? type : type | NESTED, 2);
  return padded(Buffer.concat([head, content]));
}

/** Reads attributes that follow each other. Throws when one does not fit. */
export function attributes(bytes: Buffer): Attribute[] {
  const found: Attribute[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 4 || at + length > bytes.length) throw new RangeError('an attribute does not fit');
    found.push({ type: bytes.readUInt16LE(at + 2) & 0x3fff, value: bytes.subarray(at + 4, at + length) });
    at += Math.ceil(length / ALIGN) * ALIGN;
  }
  return found;
}

function message(type: number, flags: number, sequence: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(HEADER);
  head.writeUInt32LE(HEADER + payload.length, 0);
  head.writeUInt16LE(type, 4);
  head.writeUInt16LE(flags, 6);
  head.writeUInt32LE(sequence, 8);
  return padded(Buffer.concat([head, payload]));
}

/**
 * The kernel as tests need it: answers a program that was built to speak with it as WireGuard's generic netlink family would
 * (include/uapi/linux/wireguard.h), from what a test has put here. It moves no packets.
 */
export class FakeKernel extends FakeService {
  /** Attributes of each message that describes the device. */
  description: Buffer[][] = [];
  /** What it was told to change, message by message. */
  readonly changes: Attribute[][] = [];
  /** The error of every change. */
  refusal = 0;
  /** Changes an answer before it leaves. */
  mischief: (answer: Buffer) => Buffer = (answer) => answer;

  protected serve(socket: Socket): void {
    socket.on('data', (bytes: Buffer) => socket.write(this.#answer(bytes)));
  }

  #answer(bytes: Buffer): Buffer {
    const type = bytes.readUInt16LE(4);
    const sequence = bytes.readUInt32LE(8);
    const command = bytes.readUInt8(HEADER);
    const generic = Buffer.from([command, 1, 0, 0]);
    const acknowledged = (errno: number) => {
      const code = Buffer.alloc(4 + HEADER);
      code.writeInt32LE(-errno, 0);
      return message(ACK, 0, sequence, code);
    };
    if (type === CONTROL) {
      const found = attribute(FAMILY_ID, Buffer.from([FAMILY, 0]));
      return Buffer.concat([message(CONTROL, 0, sequence, Buffer.concat([generic, found])), acknowledged(0)]);
    }
    if (command === GET_DEVICE) {
      const parts = this.description.map((part) => message(FAMILY, MULTI, sequence, Buffer.concat([generic, ...part])));
      const end = message(DONE, MULTI, sequence, Buffer.alloc(4));
      return Buffer.concat([this.mischief(Buffer.concat(parts)), end]);
    }
    this.changes.push(attributes(bytes.subarray(HEADER + GENERIC)));
    return acknowledged(this.refusal);
  }
}
