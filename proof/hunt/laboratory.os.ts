// SPDX-License-Identifier: AGPL-3.0-or-later
import { once } from 'node:events';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createAuthority, issueServerCertificate } from '../../src/contracts/pki/authority.ts';
import { generateP256Key, privateKeyPem, signerOf } from '../../src/contracts/pki/keys.ts';
import type { Clock } from '../../src/core/clock/clock.ts';
import type { Random } from '../../src/core/random/random.ts';
import { openRelay, type Relay } from './relay.os.ts';

const NAME = 'control.example';

/** A small control that takes anything, and the relay in front of it: what the hunt's own tests listen to. */
export interface Traffic {
  readonly relay: Relay;
  /** Certificate of the authority that both present. */
  readonly ca: string;
  /** Sends a body through the relay and gives the answer. */
  readonly say: (body: string) => Promise<string>;
  /** Ends control alone, so that the relay has nobody to talk to. */
  loseControl(): void;
  close(): Promise<void>;
}

export async function openTraffic(deps: { readonly clock: Clock; readonly random: Random }): Promise<Traffic> {
  const key = await generateP256Key();
  const authority = await createAuthority(deps, { name: { commonName: 'authority' }, key, signer: signerOf(key) });
  const certificate = await issueServerCertificate(deps, authority, { name: NAME, addresses: [], key });
  const control = createServer({ cert: certificate, key: privateKeyPem(key) }, (question, answer) => {
    question.resume().on('end', () => answer.end('taken'));
  });
  control.listen(0, '127.0.0.1');
  await once(control, 'listening');
  const relay = await openRelay({
    listen: { host: '127.0.0.1', port: 0, certificate, key: privateKeyPem(key) },
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
