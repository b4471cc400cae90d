// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Socket } from 'node:net';
import { FakeService } from '../network/fake-service.os.ts';

/** A peer of the fake daemon. All fields may be set by a test, as traffic would. */
export interface FakePeer {
  allowedIps: string[];
  endpoint?: string;
  seconds: number;
  nanoseconds: number;
  received: number;
  sent: number;
}

/**
 * wireguard-go as tests need it: keeps peers and speaks https://www.wireguard.com/xplatform/ over a Unix socket, and can
 * be told to misbehave. It moves no packets.
 */
export class FakeDaemon extends FakeService {
  /** By public key in hexadecimal. */
  readonly peers = new Map<string, FakePeer>();
  /** The heads of the requests it got: `get` or `set`. */
  readonly requests: string[] = [];
  /** Instead of answering: say this; hang up; or say nothing at all. */
  mischief: { say: string } | 'hang up' | 'silence' | undefined;
  /** The error number of every answer to `set`, which is then not done. */
  refusal = 0;

  protected serve(socket: Socket): void {
    let received = '';
    socket.setEncoding('latin1').on('data', (piece: string) => {
      received += piece;
      for (let end = received.indexOf('\n\n'); end >= 0; end = received.indexOf('\n\n')) {
        this.#answer(socket, received.slice(0, end).split('\n'));
        received = received.slice(end + 2);
      }
    });
  }

  #answer(socket: Socket, [head = '', ...lines]: string[]): void {
    this.requests.push(head.slice(0, 3));
    if (this.mischief === 'silence') return;
    if (this.mischief === 'hang up') socket.destroy();
    else if (this.mischief !== undefined) socket.write(this.mischief.say);
    else if (head === 'get=1') socket.write(this.#describe());
    else socket.write(`errno=${this.#change(lines)}\n\n`);
  }

  #describe(): string {
    const peers = [...this.peers].map(([key, peer]) => describe(key, peer));
    return `private_key=${'ab'.repeat(32)}\nlisten_port=51820\nfwmark=0\n${peers.join('')}errno=0\n\n`;
  }

  #change(lines: readonly string[]): number {
    if (this.refusal !== 0) return -this.refusal;
    let key = '';
    for (const line of lines) {
      const [name, value = ''] = line.split('=');
      if (name === 'public_key') {
        key = value;
        if (!this.peers.has(key)) this.peers.set(key, quietPeer());
      }
      if (name === 'remove') this.peers.delete(key);
      if (name === 'allowed_ip') this.peers.get(key)?.allowedIps.push(value);
    }
    return 0;
  }
}

function quietPeer(): FakePeer {
  return { allowedIps: [], seconds: 0, nanoseconds: 0, received: 0, sent: 0 };
}

function describe(key: string, peer: FakePeer): string {
  return [
    `public_key=${key}`,
    `preshared_key=${'0'.repeat(64)}`,
    'protocol_version=1',
    ...(peer.endpoint === undefined ? [] : [`endpoint=${peer.endpoint}`]),
    `last_handshake_time_sec=${peer.seconds}`,
    `last_handshake_time_nsec=${peer.nanoseconds}`,
    `tx_bytes=${peer.sent}`,
    `rx_bytes=${peer.received}`,
    'persistent_keepalive_interval=0',
    ...peer.allowedIps.map((address) => `allowed_ip=${address}`),
    '',
  ].join('\n');
}
