// SPDX-License-Identifier: AGPL-3.0-or-later
import { once } from 'node:events';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { TestAuthority } from '../labs/authority/authority.ts';
import { openRelay, type Relay } from './relay.os.ts';

const NAME = 'control.example';

/** A small control that takes anything, and the relay in front of it: what the hunt's own tests listen to. */
export interface Traffic {
  readonly relay: Relay;
  /** Certificate of the authority that both present. */
  readonly ca: string;
  /** Sends a body through the relay and gives the answer. */
  readonly say: (body: string) => Promise<string>;
  /** Ends control alone, so that the relay cannot reach it. */
  loseControl(): void;
  close(): Promise<void>;
}

export async function openTraffic(): Promise<Traffic> {
  const authority = await TestAuthority.create();
  const { certificate, key } = await authority.server(NAME);
  const control = createServer({ cert: certificate, key }, (question, answer) => {
    question.resume().on('end', () => answer.end('taken'));
  });
  control.listen(0, '127.0.0.1');
  await once(control, 'listening');
  const relay = await openRelay({
    listen: { host: '127.0.0.1', port: 0, certificate, key },
    upstream: {
      host: '127.0.0.1',
      port: (control.address() as AddressInfo).port,
      ca: authority.certificate,
      name: NAME,
    },
  });
  const loseControl = () => {
    control.closeAllConnections();
    control.close();
  };
  return {
    relay,
    ca: authority.certificate,
    say: (body) => post(relay.port, authority.certificate, body),
    loseControl,
    async close() {
      await relay.close();
      loseControl();
    },
  };
}

function post(port: number, ca: string, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, ca, servername: NAME, method: 'POST', agent: false };
    const question = request(options, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      answer.on('end', () => resolve(text));
    });
    question.on('error', reject).end(body);
  });
}
