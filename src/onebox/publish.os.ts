// SPDX-License-Identifier: AGPL-3.0-or-later
import { leaveKeeper } from '../host/processes/keeper.os.ts';
import { CommandError, run } from '../host/processes/process.os.ts';
import { cableNames, FLOW_MEMORY, type FlowMemory, type MachineRules, machineRules, WAS_NO_ROUTER } from './publish.ts';

/** The arguments before a command that is for the machine: none, or those that enter a namespace in its place. */
export type Enter = readonly string[];

/** Tables of this name are ours, one for each gateway. */
const TABLE = /^table inet (lethe\d+)$/gm;

/**
 * Takes a table back and, when no other service needs it any more, the forwarding that was not there before. It runs as
 * a shell, because it has to when we have been killed, too.
 */
const TAKE_BACK = `
  nft delete table inet "$1" || exit
  [ "$2" = yes ] || exit 0
  if nft list ruleset | grep -q 'comment "${WAS_NO_ROUTER}"'; then exit 0; fi
  sysctl -q -w net.ipv4.ip_forward=0`;

function takeBack(table: string, wasNoRouter: boolean): string[] {
  return ['sh', '-c', TAKE_BACK, 'sh', table, wasNoRouter ? 'yes' : 'no'];
}

/** Whether the machine passes packets on, and would do so without us. */
async function isRouter(enter: Enter): Promise<boolean> {
  const forwarding = (await run([...enter, 'sysctl', '-n', 'net.ipv4.ip_forward'])).trim();
  const ruleset = await run([...enter, 'nft', 'list', 'ruleset']);
  return forwarding === '1' && !ruleset.includes(`comment "${WAS_NO_ROUTER}"`);
}

/**
 * Puts the machine's rules for a gateway in force and, where it is opened to the world, has the machine pass packets on.
 * The result takes everything back; so does the end of this process, by kill -9 too.
 */
export async function raiseMachineRules(
  rules: Omit<MachineRules, 'router'>,
  enter: Enter = [],
  memory: FlowMemory = FLOW_MEMORY,
): Promise<() => Promise<void>> {
  const { cables, publication } = rules;
  const router = await isRouter(enter);
  const forwards = publication !== undefined && !router;
  await run([...enter, 'nft', '-f', '-'], { stdin: machineRules({ ...rules, router }, memory) });
  const keeper = await leaveKeeper([...enter, ...takeBack(cables.name, forwards)]);
  if (forwards) await run([...enter, 'sysctl', '-q', '-w', 'net.ipv4.ip_forward=1']);
  return async () => {
    const exit = await keeper.now();
    if (exit.code !== 0) throw new CommandError('nft', exit, 'the rules of the machine were not taken back');
  };
}

/** Takes back what services have left that were killed together with their keepers: their cables are gone. */
export async function sweepMachineRules(enter: Enter = []): Promise<void> {
  const tables = await run([...enter, 'nft', 'list', 'tables']);
  for (const [, name = ''] of tables.matchAll(TABLE)) {
    if (await hasDevice(enter, cableNames(name).control)) continue;
    const table = await run([...enter, 'nft', 'list', 'table', 'inet', name]);
    await run([...enter, ...takeBack(name, table.includes(`comment "${WAS_NO_ROUTER}"`))]);
  }
}

async function hasDevice(enter: Enter, name: string): Promise<boolean> {
  const links = await run([...enter, 'ip', '-o', 'link', 'show']);
  return links.includes(`: ${name}@`) || links.includes(`: ${name}:`);
}
