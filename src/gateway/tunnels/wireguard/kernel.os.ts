// SPDX-License-Identifier: AGPL-3.0-or-later
import { fileURLToPath } from 'node:url';
import { run } from '../../../host/processes/process.os.ts';

const SOURCES = ['kernel.c', '../netlink.c'].map((name) => fileURLToPath(new URL(name, import.meta.url)));

/**
 * Compiles the program that carries the agent's requests to the kernel's WireGuard (see kernel.c) into the file `program`.
 * The gateway image compiles it with the locked compiler instead.
 */
export async function compileKernelBridge(program: string, ...flags: readonly string[]): Promise<void> {
  await run(['gcc', '-O2', '-Wall', '-Wextra', '-Werror', ...flags, '-o', program, ...SOURCES]);
}
