// SPDX-License-Identifier: AGPL-3.0-or-later
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';

export interface RelayOptions {
  /** What the gateway connects to. The certificate must be one that it accepts for control. Port 0 is any free one. */
  readonly listen: { readonly host: string; readonly port: number; readonly certificate: string; readonly key: string };
  /** Control itself. */
  readonly upstream: { readonly host: string; readonly port: number; readonly ca: string; readonly name: string };
}

export interface Relay {
  readonly port: number;
  /** Everything that was said so far, both ways, each direction of each connection by itself. */
  readonly recorded: () => Uint8Array;
  close(): Promise<void>;
}

/**
 * Stands between a gateway and control and keeps, in memory, what they say to each other inside TLS. Only the leak hunt
 * opens one, with a certificate that it was given for the purpose.
 */
export async function openRelay(options: RelayOptions): Promise<Relay> {
  const { listen, upstream } = options;
  const said: Buffer[][] = [];
  const open = new Set<Socket>();
  const server = createServer({ cert: listen.certificate, key: listen.key }, (client) => {
    const control = connect({ host: upstream.host, port: upstream.port, ca: upstream.ca, servername: upstream.name });
    keep(control);
    pass(client, control);
    pass(control, client);
  });

  function pass(from: TLSSocket, to: TLSSocket): void {
    const pieces: Buffer[] = [];
    said.push(pieces);
    from.on('data', (piece: Buffer) => pieces.push(piece));
    // Either end may break off at any time; the other one then ends as well.
    from.on('error', () => to.destroy());
    from.on('close', () => to.end());
    from.pipe(to);
  }

  function keep(socket: Socket): void {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  }

  server.on('connection', keep);
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.listen(listen.port, listen.host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    recorded: () => new Uint8Array(Buffer.concat(said.map((pieces) => Buffer.concat(pieces)))),
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
