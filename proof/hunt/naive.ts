// SPDX-License-Identifier: AGPL-3.0-or-later
import { connect } from 'node:net';

/**
 * An agent for OpenVPN's management socket as anyone would write it: text, objects and a log line. It lets everybody in.
 * Nothing but the test of the leak hunt runs it, as the program that must be caught. `node naive.ts SOCKET`
 */
const socket = connect(process.argv[2] ?? '').setEncoding('utf8');
const clients = new Map<string, Record<string, string>>();
process.on('SIGTERM', () => socket.destroy());
let rest = '';
let client: Record<string, string> = {};
let event = '';

function answer(line: string): void {
  const [, kind = '', value = ''] = /^>CLIENT:(\w+),(.*)$/.exec(line) ?? [];
  if (kind === 'CONNECT' || kind === 'REAUTH') {
    event = value;
    client = {};
  } else if (kind === 'ENV' && value === 'END') {
    const [cid = '', kid = ''] = event.split(',');
    if (kid !== '') socket.write(`client-auth-nt ${cid} ${kid}\n`);
    clients.set(cid, client);
    process.stdout.write(`${JSON.stringify({ connected: client })}\n`);
    event = '';
  } else if (kind === 'ENV') {
    const [name = '', ...parts] = value.split('=');
    client[name] = parts.join('=');
  }
}

socket.on('connect', () => process.stdout.write('ready\n'));
socket.on('data', (text: string) => {
  const lines = (rest + text).split(/\r?\n/);
  rest = lines.pop() ?? '';
  for (const line of lines) answer(line);
});
