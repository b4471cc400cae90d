// SPDX-License-Identifier: AGPL-3.0-or-later
import { type Entry, type EntryKind, type Finding, isJudged } from '../../src/core/configuration/judge.ts';
import { GATEWAY_JUDGES, isEntered, judgeGateway } from '../../src/gateway/agent/judges.ts';

const KINDS: Readonly<Record<string, EntryKind>> = { f: 'file', d: 'directory', s: 'socket', l: 'link' };

/** Says, in a guest, what is below a directory: a line each, its kind and its name. BusyBox's find has no -printf. */
export function listingCommand(directory: string): string {
  const kinds = 'f d s l p b c';
  return `for kind in ${kinds}; do find ${directory} -mindepth 1 -type $kind | sed "s|^${directory}/|$kind |"; done`;
}

/**
 * What is wrong with all that a listing names; `read` gets the text of a file by its name. The same that a gateway asks
 * of itself before it serves, seen from outside.
 */
export async function judgeListing(
  listing: string,
  read: (name: string) => Promise<string>,
  judges = GATEWAY_JUDGES,
): Promise<Finding[]> {
  const entries: Entry[] = [];
  for (const line of listing.split('\n').filter((text) => text !== '')) {
    const entry: Entry = { name: line.slice(2), kind: KINDS[line[0] as string] ?? 'other' };
    const [top = '', ...inside] = entry.name.split('/');
    if (inside.length > 0 && !isEntered(top)) continue;
    entries.push(isJudged(entry, judges) ? { ...entry, content: await read(entry.name) } : entry);
  }
  return judgeGateway(entries, judges);
}
