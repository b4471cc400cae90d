// SPDX-License-Identifier: AGPL-3.0-or-later
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Child, run, spawnChild } from '../../src/host/processes/process.os.ts';
import { untilReady } from '../../src/host/processes/ready.os.ts';
import type { SampleCustomer } from '../labs/customers/sample.ts';
import { cpuSecondsOf } from './openvpn-sides.os.ts';

/** A RADIUS server that runs until it is stopped. */
export interface Peer {
  readonly pid: number;
  readonly port: number;
  /** Seconds of CPU that it has spent so far, threads included. */
  cpu(): number;
  stop(): Promise<void>;
}

/** What one round of requests came to. */
export interface Blast {
  readonly seconds: number;
  readonly answered: number;
  /** Answers with another code than expected, or with a signature that is not right. */
  readonly wrong: number;
  /** Requests that had to be sent again. */
  readonly again: number;
}

function peer(child: Child, port: number): Peer {
  return {
    pid: child.pid,
    port,
    cpu: () => cpuSecondsOf(child),
    async stop() {
      await child.stop();
    },
  };
}

/** Our own, over a sealed auth file. */
export async function ourServer(authFile: string, publicKey: string, secret: string, day: number): Promise<Peer> {
  const program = fileURLToPath(new URL('radius-server.os.ts', import.meta.url));
  const child = spawnChild([process.execPath, program, authFile, publicKey, secret, String(day)]);
  for (;;) {
    const port = /^port (\d+)$/m.exec(child.output())?.[1];
    if (port !== undefined) return peer(child, Number(port));
    if (!child.running) throw new Error(`the server ended: ${child.output()}`);
    await delay(20);
  }
}

/**
 * FreeRADIUS with nothing but a users file: no EAP, no policy, no accounting, no log, plain passwords. It is told to
 * demand signed requests, as ours does. `package` has the threads that Debian's package gives it; `single` has one.
 */
export async function freeRadius(
  directory: string,
  customers: readonly SampleCustomer[],
  secret: string,
  port: number,
  threads: 'package' | 'single',
): Promise<Peer> {
  const at = (name: string) => join(directory, name);
  mkdirSync(directory, { recursive: true });
  writeFileSync(at('radiusd.conf'), configuration(directory, secret, port));
  writeFileSync(at('dictionary'), '$INCLUDE /usr/share/freeradius/dictionary\n');
  const entry = ({ username, password }: SampleCustomer) => `"${username}" Cleartext-Password := "${password}"\n`;
  const pieces: string[] = [];
  for (let i = 0; i < customers.length; i += 10_000)
    pieces.push(
      customers
        .slice(i, i + 10_000)
        .map(entry)
        .join(''),
    );
  writeFileSync(at('users'), pieces.join(''));
  const child = spawnChild(['freeradius', threads === 'single' ? '-s' : '-f', '-d', directory, '-l', 'stdout']);
  await bound(child, port);
  return peer(child, port);
}

/** It opens its port once it has read everything. */
async function bound(child: Child, port: number): Promise<void> {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  await untilReady(child, 'the server', () => readFileSync('/proc/net/udp', 'utf8').includes(local));
}

function configuration(directory: string, secret: string, port: number): string {
  return `prefix = /usr
confdir = ${directory}
logdir = ${directory}
run_dir = ${directory}
db_dir = ${directory}
libdir = /usr/lib/freeradius
pidfile = ${directory}/pid
max_request_time = 30
cleanup_delay = 0
max_requests = 65536
hostname_lookups = no
proxy_requests = no
log {
  destination = stdout
  auth = no
}
security {
  reject_delay = 0
  status_server = no
  max_attributes = 200
}
client local {
  ipaddr = 127.0.0.1
  secret = ${secret}
  require_message_authenticator = yes
}
thread pool {
  start_servers = 5
  max_servers = 32
  min_spare_servers = 3
  max_spare_servers = 10
  max_requests_per_server = 0
}
modules {
  files {
    usersfile = ${directory}/users
  }
  pap {
    normalise = no
  }
}
server default {
  listen {
    type = auth
    ipaddr = 127.0.0.1
    port = ${port}
  }
  authorize {
    files
    pap
  }
  authenticate {
    Auth-Type PAP {
      pap
    }
  }
}
`;
}

/** Compiles the load generator; gives a function that sends all requests of a file to a port. */
export async function blaster(
  directory: string,
): Promise<(port: number, secret: string, file: string) => Promise<Blast>> {
  const source = fileURLToPath(new URL('radblast.c', import.meta.url));
  const program = join(directory, 'radblast');
  await run(['gcc', '-O2', '-Wall', '-Wextra', '-Werror', '-o', program, source, '-lcrypto']);
  return async (port, secret, file) => {
    const printed = await run([program, String(port), secret, file, '8', '16']);
    const [seconds = 0, answered = 0, wrong = 0, again = 0] = printed.trim().split(' ').map(Number);
    return { seconds, answered, wrong, again };
  };
}
