// SPDX-License-Identifier: AGPL-3.0-or-later
import { spawnSync } from 'node:child_process';
import { closeSync, constants, existsSync, openSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { type Namespace, openNamespace } from '../host/namespaces/namespace.os.ts';
import { CommandError, run } from '../host/processes/process.os.ts';
import { EXIT, type ExitCode } from '../host/terminal/exit.ts';

/** Why the service cannot start here, in one sentence for a person, and with what the command ends. */
export class CannotStart extends Error {
  override readonly name = 'CannotStart';
  readonly exit: ExitCode;

  constructor(message: string, exit: ExitCode = EXIT.machine) {
    super(message);
    this.exit = exit;
  }
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Checks an address under which the world reaches this machine, `203.0.113.7`. `own` are the machine's addresses. */
export function publicAddress(text: string, own: readonly string[]): string {
  const possible = own.filter((address) => !address.startsWith('127.'));
  if (possible.includes(text)) return text;
  const has = possible.join(', ') || 'none';
  throw new CannotStart(`--public: this machine does not have the address ${text}. It has: ${has}.`);
}

/** The IPv4 addresses of this machine. */
export function ownAddresses(): string[] {
  const found = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses);
  return found.filter(({ family }) => family === 'IPv4').map(({ address }) => address);
}

/** What this machine swaps to, on a disk: memory that is compressed into memory (zram) leaves it nowhere. */
export function swapsTo(table = readFileSync('/proc/swaps', 'utf8')): string[] {
  const names = table.split('\n').slice(1);
  return names.map((line) => line.split(/\s+/)[0] ?? '').filter((name) => name !== '' && !name.startsWith('/dev/zram'));
}

/** Takes a port for a moment to see that it is free. */
export async function portIsFree(address: Address): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        new CannotStart(
          error.code === 'EADDRINUSE'
            ? `Port ${address.port} on ${address.host} is taken by another program. Choose another one with --listen.`
            : `Cannot listen on ${address.host} port ${address.port} (${error.code}). Choose another address with --listen.`,
        ),
      );
    });
    server.listen(address.port, address.host, () => server.close(() => resolve()));
  });
}

/**
 * Holds the data directory until the process ends, however it ends: the lock is the kernel's, on a file that only we may
 * open, so that no other user can hold it in our place.
 */
export function lockDirectory(directory: string): () => void {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
  const file = openSync(join(directory, LOCK_FILE), flags, 0o600);
  const { status } = spawnSync('flock', ['--exclusive', '--nonblock', '3'], {
    stdio: ['ignore', 'ignore', 'ignore', file],
  });
  if (status === 0) return () => closeSync(file);
  closeSync(file);
  throw new CannotStart(
    `The service already runs with the data in ${directory}. Stop it first, or choose another --data.`,
  );
}

const LOCK_FILE = 'lock';

/**
 * No program that is started from now on can leave its memory on a disk when it crashes. One byte, because with none the
 * kernel would still hand a dump to a program that collects them (core(5)).
 */
export async function dumpNoCores(): Promise<void> {
  await run(['prlimit', '--pid', String(process.pid), '--core=1']);
}

export function needRoot(uid: number | undefined): void {
  if (uid === 0) return;
  throw new CannotStart('A gateway makes network namespaces and needs root. Run it as root, or with --no-gateway.');
}

/** What a gateway needs from the kernel, each with the sentence that says so when it is missing. */
const FEATURES: readonly { readonly argv: readonly string[]; readonly missing: string }[] = [
  {
    argv: ['ip', 'link', 'add', 'test0', 'type', 'veth', 'peer', 'name', 'test1'],
    missing: 'virtual Ethernet (CONFIG_VETH)',
  },
  { argv: ['ip', 'tuntap', 'add', 'test2', 'mode', 'tun'], missing: 'tunnel interfaces (CONFIG_TUN)' },
  {
    argv: [
      'nft',
      'add table inet t; add chain inet t c { type nat hook postrouting priority srcnat; }; add rule inet t c masquerade',
    ],
    missing: 'nftables with address translation (CONFIG_NF_TABLES, CONFIG_NFT_MASQ)',
  },
  {
    argv: [
      'nft',
      `table inet u {
        ct timeout short {
          protocol tcp
          l3proto ip
          policy = { established: 60 }
        }
        chain c {
          type filter hook prerouting priority mangle
          meta l4proto tcp ct timeout set "short"
          socket wildcard { 0, 1 } accept
        }
      }`,
    ],
    missing: 'times for tracked connections (CONFIG_NF_CONNTRACK_TIMEOUT, CONFIG_NFT_SOCKET)',
  },
];

/** Entering a namespace leads out of a plain chroot, where neither our programs nor their files are. */
async function assertOwnRoot(namespace: Namespace): Promise<void> {
  const { dev, ino } = statSync('/', { bigint: true });
  if ((await namespace.run(['stat', '--format=%d %i', '/'])).trim() === `${dev} ${ino}`) return;
  throw new CannotStart(
    'This is a chroot, and a gateway needs a root of its own: a machine, a container, or a chroot made with pivot_root.',
  );
}

/** Tries each kernel feature in a namespace that is thrown away. */
export async function kernelCanServe(tun = '/dev/net/tun', features = FEATURES): Promise<void> {
  if (!existsSync(tun))
    throw new CannotStart(`This machine has no ${tun}: its kernel lacks tunnel interfaces (CONFIG_TUN).`);
  const namespace = await openNamespace().catch((error: unknown) => {
    throw new CannotStart(
      `This machine does not allow network namespaces (${error instanceof CommandError ? error.message : 'unknown'}).`,
    );
  });
  try {
    await assertOwnRoot(namespace);
    for (const { argv, missing } of features) {
      await namespace.run(argv).catch(() => {
        throw new CannotStart(`The kernel of this machine lacks ${missing}, which a gateway needs.`);
      });
    }
  } finally {
    await namespace.close();
  }
}
