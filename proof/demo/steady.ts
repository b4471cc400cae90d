// SPDX-License-Identifier: AGPL-3.0-or-later
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';

// Traffic that never pauses, in two programs: one answers, the other asks it from inside a tunnel.
//
//   answer PORT           gives back whatever comes, by UDP and by TCP
//   ask ADDRESS PORT      a numbered datagram every 50 ms, and one TCP connection that is never made anew
//
// The second prints a line of JSON five times a second.

export interface Count {
  /** Number of the last datagram that was sent. */
  readonly sent: number;
  /** The highest number that came back, and how many did. */
  readonly last: number;
  readonly answered: number;
  /** Bytes that the connection has brought back, each as it was sent. */
  readonly bytes: number;
  /** Whether the connection has ended, or brought back something else. */
  readonly broken: boolean;
}

const EVERY = 50;
const TOLD = 200;
const DATAGRAM = 1000;
const CHUNK = 16_384;

function answer(port: number): void {
  const datagrams = createSocket('udp4', (message, { address, port: from }) => datagrams.send(message, from, address));
  datagrams.bind(port);
  const connections = createServer((socket) => socket.on('error', () => undefined).pipe(socket));
  connections.listen(port, '0.0.0.0', () => process.stdout.write('ready\n'));
}

function ask(address: string, port: number): void {
  const count = { sent: 0, last: 0, answered: 0, bytes: 0, broken: false };
  askByDatagrams(address, port, count);
  askByConnection(address, port, count);
  setInterval(() => process.stdout.write(`${JSON.stringify(count satisfies Count)}\n`), TOLD);
}

type Counting = { -readonly [Field in keyof Count]: Count[Field] };

function askByDatagrams(address: string, port: number, count: Counting): void {
  const socket = createSocket('udp4');
  const open = new Set<number>();
  socket.on('message', (message) => {
    const number = message.readUInt32BE(0);
    if (!open.delete(number)) return;
    count.answered += 1;
    count.last = Math.max(count.last, number);
  });
  setInterval(() => {
    const message = Buffer.alloc(DATAGRAM);
    message.writeUInt32BE((count.sent += 1));
    open.add(count.sent);
    // A tunnel that is away for a moment is what is counted.
    socket.send(message, port, address, () => undefined);
  }, EVERY);
}

function askByConnection(address: string, port: number, count: Counting): void {
  const end = () => {
    count.broken = true;
  };
  const socket = connect(port, address);
  let expected = Buffer.alloc(0);
  const send = () => {
    expected = Buffer.alloc(CHUNK, count.bytes % 251);
    socket.write(expected);
  };
  socket.on('connect', send).on('error', end).on('close', end);
  socket.on('data', (piece: Buffer) => {
    if (!piece.equals(expected.subarray(0, piece.length))) end();
    expected = expected.subarray(piece.length);
    count.bytes += piece.length;
    if (expected.length === 0) setTimeout(send, EVERY);
  });
}

const [task, ...words] = process.argv.slice(2);
process.once('SIGTERM', () => process.exit(0));
if (task === 'answer') answer(Number(words[0]));
else ask(words[0] ?? '', Number(words[1]));
