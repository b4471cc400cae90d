// SPDX-License-Identifier: AGPL-3.0-or-later
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Child, run, spawnChild } from '../processes/process.os.ts';
import { untilReady } from '../processes/ready.os.ts';

/** A maker of TPMs (swtpm_localca): its authority signs the certificates of their endorsement keys. */
export interface TpmFactory {
  readonly directory: string;
  /** PEM. The root is made with the first TPM; so is the authority below it, which signs the certificates. */
  roots(): string;
  intermediates(): string;
}

/** A TPM that runs. Its state stays in its directory; each start is a reset, as a machine's power-on is. */
export interface RunningTpm {
  readonly child: Child;
  /** What QEMU's `-chardev socket` connects to. */
  readonly control: string;
  /** For tpm2-tools, in TPM2TOOLS_TCTI; of use only when the TPM was started for tools. */
  readonly tcti: string;
  stop(): Promise<void>;
}

/** Paths are made absolute: swtpm goes elsewhere before it opens them. */
export function tpmFactory(at: string): TpmFactory {
  const directory = resolve(at);
  const authority = join(directory, 'authority');
  mkdirSync(authority, { recursive: true });
  const write = (name: string, lines: readonly string[]) =>
    writeFileSync(join(directory, name), `${lines.join('\n')}\n`);
  write('authority.conf', [
    `statedir = ${authority}`,
    `signingkey = ${authority}/signkey.pem`,
    `issuercert = ${authority}/issuercert.pem`,
    `certserial = ${authority}/certserial`,
  ]);
  write('authority.options', ['--platform-manufacturer Lethe', '--platform-version 1', '--platform-model QEMU']);
  write('setup.conf', [
    'create_certs_tool = /usr/bin/swtpm_localca',
    `create_certs_tool_config = ${directory}/authority.conf`,
    `create_certs_tool_options = ${directory}/authority.options`,
    'active_pcr_banks = sha256',
  ]);
  return {
    directory,
    roots: () => readFileSync(join(authority, 'swtpm-localca-rootca-cert.pem'), 'utf8'),
    intermediates: () => readFileSync(join(authority, 'issuercert.pem'), 'utf8'),
  };
}

/** Makes a TPM in a directory of its own, with the certificate of its endorsement key in NV 0x1c00002. */
export async function makeTpm(factory: TpmFactory, at: string, name: string): Promise<void> {
  const directory = resolve(at);
  mkdirSync(directory, { recursive: true });
  await run([
    'swtpm_setup',
    '--tpm2',
    '--tpmstate',
    directory,
    '--vmid',
    name,
    '--overwrite',
    '--create-ek-cert',
    '--config',
    join(factory.directory, 'setup.conf'),
  ]);
}

/** Starts a TPM: for one machine, which powers it itself, or for tools on this host, which find it powered. */
export async function startTpm(at: string, user: 'machine' | 'tools'): Promise<RunningTpm> {
  const directory = resolve(at);
  const data = toolsSocket(directory);
  // Where tpm2-tools look for it.
  const control = `${data}.ctrl`;
  for (const socket of [control, data]) rmSync(socket, { force: true });
  const child = spawnChild([
    'swtpm',
    'socket',
    '--tpm2',
    '--tpmstate',
    `dir=${directory}`,
    '--ctrl',
    `type=unixio,path=${control}`,
    ...(user === 'machine'
      ? ['--flags', 'startup-clear']
      : ['--server', `type=unixio,path=${data}`, '--flags', 'not-need-init,startup-clear']),
  ]);
  await untilReady(child, 'swtpm', () => {
    const listening = listeningSockets();
    return listening.has(control) && (user === 'machine' || listening.has(data));
  });
  return { child, control, tcti: tctiOf(directory), stop: async () => void (await child.stop()) };
}

/** Paths of the Unix sockets that accept connections (unix(7), __SO_ACCEPTCON); a file alone is there earlier. */
function listeningSockets(): Set<string> {
  const lines = readFileSync('/proc/net/unix', 'utf8').split('\n');
  const fields = lines.map((line) => line.trim().split(/ +/));
  return new Set(fields.filter((field) => field[3] === '00010000').map((field) => field[7] ?? ''));
}

function toolsSocket(directory: string): string {
  return join(resolve(directory), 'tools.sock');
}

/** How tpm2-tools reach the TPM of this directory. */
export function tctiOf(directory: string): string {
  return `swtpm:path=${toolsSocket(directory)}`;
}
