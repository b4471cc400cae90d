// SPDX-License-Identifier: AGPL-3.0-or-later
// One stranger with one machine, until it is ended. Arguments: what it does, port, token of a free account, how many
// connections. Says `attacks` when all of them are open.
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const [kind = '', port = '', token = '', many = ''] = process.argv.slice(2);

const POST = 'POST /api/v1/sign-ins HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';
const OWN = `HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`;
const GUESS = JSON.stringify({ account_number: '0000 0000 0000 0000 0000' });
const CHUNK = `20000\r\n${'a'.repeat(0x20000)}\r\n`;

/** What each does with a connection that is open. */
const ATTACKS: Readonly<Record<string, (socket: Socket) => void>> = {
  idle: () => undefined,
  slow: (socket) => {
    socket.write(`${POST}content-length: 60000\r\n\r\n`);
    const drops = setInterval(() => socket.write('a'), 100);
    socket.once('close', () => clearInterval(drops));
  },
  large: (socket) => {
    socket.on('drain', () => socket.write(CHUNK));
    socket.write(`${POST}transfer-encoding: chunked\r\n\r\n${CHUNK}`);
  },
  guessing: (socket) => asks(socket, [`${POST}content-length: ${GUESS.length}\r\n\r\n${GUESS}`]),
  greedy: (socket) => asks(socket, [`GET /api/v1/remembered ${OWN}`, `POST /api/v1/credentials ${OWN}`]),
};

/** One request after the other, each as soon as the last is answered. */
function asks(socket: Socket, requests: readonly string[]): void {
  let sent = 0;
  const ask = () => {
    socket.write(requests[sent % requests.length] as string);
    sent += 1;
  };
  socket.on('data', ask);
  ask();
}

/** Holds a connection for ever: one that is closed is opened anew at once. */
async function hold(opened: () => void): Promise<never> {
  for (;;) {
    const socket = connect(Number(port), '127.0.0.1').resume();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined);
    socket.once('connect', () => {
      ATTACKS[kind]?.(socket);
      opened();
    });
    await closed;
    await delay(10);
  }
}

await Promise.all(Array.from({ length: Number(many) }, () => new Promise<void>((opened) => void hold(opened))));
process.stdout.write('attacks\n');
