// SPDX-License-Identifier: AGPL-3.0-or-later

/** The four account files of a tree, as text. */
export interface AccountFiles {
  readonly passwd: string;
  readonly group: string;
  readonly shadow: string;
  readonly gshadow: string;
}

/** Day on which passwords were last changed, in days since 1970: the same on every build. */
const DAY = 20_000;
const NOLOGIN = '/usr/sbin/nologin';

/**
 * Adds the image's own users and groups, and takes every account its password and its shell: what Debian's packages
 * made stays, with nothing to log in with or into.
 */
export function settleAccounts(files: AccountFiles, users: readonly string[], groups: readonly string[]): AccountFiles {
  const members = new Map<string, string[]>();
  const passwd = lines(files.passwd).map((line) => withShell(line));
  for (const user of users) {
    const [name = '', uid = '', gid = '', ...further] = user.split(/\s+/);
    passwd.push(`${name}:x:${uid}:${gid}::/nonexistent:${NOLOGIN}`);
    for (const group of further) members.set(group, [...(members.get(group) ?? []), name]);
  }
  const group = lines(files.group);
  for (const line of groups) {
    const [name = '', gid = ''] = line.split(/\s+/);
    group.push(`${name}:x:${gid}:`);
  }
  const joined = group.map((line) => withMembers(line, members));
  return {
    passwd: text(passwd),
    group: text(joined),
    shadow: text(passwd.map((line) => `${line.split(':')[0]}:!*:${DAY}::::::`)),
    gshadow: text(joined.map((line) => `${line.split(':')[0]}:!::${line.split(':')[3]}`)),
  };
}

function withShell(line: string): string {
  const [name, , uid, gid, comment, home] = line.split(':');
  return [name, 'x', uid, gid, comment, home, NOLOGIN].join(':');
}

function withMembers(line: string, members: ReadonlyMap<string, readonly string[]>): string {
  const [name = '', , gid, listed = ''] = line.split(':');
  const all = [...listed.split(',').filter(Boolean), ...(members.get(name) ?? [])];
  return [name, 'x', gid, all.join(',')].join(':');
}

function lines(content: string): string[] {
  return content.split('\n').filter((line) => line !== '');
}

function text(all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
