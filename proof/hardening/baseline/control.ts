// SPDX-License-Identifier: AGPL-3.0-or-later

/** A demand of a standard, in our words, and how the gateway meets it. */
export type Control = {
  /** The numbers that the demand has: `CIS 1.1.1.1`, `ANSSI R9` */
  readonly ids: readonly string[];
  readonly demand: string;
} & (
  | {
      /** Runs as root in a guest that serves. */
      readonly command: string;
      /** What it must say, standard error included. */
      readonly expected: RegExp;
    }
  /** The test that shows it, since it needs more than one look at one guest. */
  | { readonly shownBy: string }
  /** Why it does not concern a machine without a disk, without people and without packages. */
  | { readonly notApplicable: string }
);

type Ids = string | readonly string[];

function list(ids: Ids): readonly string[] {
  return typeof ids === 'string' ? [ids] : ids;
}

/** Consecutive numbers below a common one: `numbers('CIS 5.1', 1, 22)` */
export function numbers(prefix: string, first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, index) => `${prefix}.${first + index}`);
}

export function says(ids: Ids, demand: string, command: string, expected: RegExp): Control {
  return { ids: list(ids), demand, command, expected };
}

/** A command that must say nothing. */
export function nothing(ids: Ids, demand: string, command: string): Control {
  return says(ids, demand, command, /^$/);
}

export function shown(ids: Ids, demand: string, shownBy: string): Control {
  return { ids: list(ids), demand, shownBy };
}

export function notApplicable(ids: Ids, demand: string, why: string): Control {
  return { ids: list(ids), demand, notApplicable: why };
}

/** A kernel setting and the value that it must have in the guest. */
export function setting(ids: Ids, name: string, value: number | string): Control {
  const exactly = new RegExp(`^${String(value).replaceAll(/[|/.]/g, '\\$&').replaceAll(' ', '\\s')}\\n$`);
  return says(ids, `${name} is ${value}`, `cat /proc/sys/${name.replaceAll('.', '/')}`, exactly);
}

export function settings(ids: Ids, values: Readonly<Record<string, number | string>>): Control[] {
  return Object.entries(values).map(([name, value]) => setting(ids, name, value));
}

/** The same settings for network interfaces that are there and for those that come. */
export function both(ids: Ids, family: 'ipv4' | 'ipv6', values: Readonly<Record<string, number>>): Control[] {
  return Object.entries(values).flatMap(([name, value]) =>
    ['all', 'default'].map((scope) => setting(ids, `net.${family}.conf.${scope}.${name}`, value)),
  );
}

/** Mounted apart, and nothing in it is a device, a right, or a program. */
export function sealed(ids: Ids, place: string): Control {
  const options = /^(?=.*\bnosuid\b)(?=.*\bnodev\b)(?=.*\bnoexec\b)/;
  return says(ids, `${place}: apart, nodev, nosuid, noexec`, `grep ' ${place} ' /proc/mounts`, options);
}

/** modprobe finds no such module, or is told to refuse it. That it loads nothing at all any more would not show which. */
export function noModule(ids: Ids, ...names: readonly string[]): Control {
  const command = `for m in ${names.join(' ')}; do /usr/sbin/modprobe --show-depends $m; done`;
  const refused = String.raw`install /bin/false ?\n|modprobe: FATAL: Module \S+ not found in directory \S+\n`;
  return says(ids, `no module ${names.join(', ')}`, command, new RegExp(`^(?:${refused}){${names.length}}$`));
}

const PROGRAMS = ['/usr/bin/NAME', '/usr/sbin/NAME', '/usr/libexec/NAME'];
const UNITS = ['/usr/lib/systemd/system', '/etc/systemd/system', '/run/systemd/system'].flatMap((place) =>
  ['service', 'socket', 'timer'].map((kind) => `${place}/NAME.${kind}`),
);

/** Neither a program nor a unit of these names. */
export function absent(ids: Ids, demand: string, ...names: readonly string[]): Control {
  const paths = names.flatMap((name) => [...PROGRAMS, ...UNITS].map((path) => path.replace('NAME', name)));
  return nothing(ids, demand, `ls -d ${paths.join(' ')} 2>/dev/null`);
}
