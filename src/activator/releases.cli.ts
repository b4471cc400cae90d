// SPDX-License-Identifier: AGPL-3.0-or-later
import { readFileSync, statSync } from 'node:fs';
import { parsePcrs } from '../contracts/release/publication.ts';
import { type Clock, isoDate, parseIsoDate, today } from '../core/clock/clock.ts';
import { replaceFile } from '../host/files/replace.os.ts';
import type { Terminal } from '../host/terminal/terminal.ts';
import { type PolicyFile, parsePolicy } from './policy.os.ts';

export interface ReleaseCliDeps {
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  readonly clock: Clock;
}

export interface AllowFlags {
  /** The activator's policy file. */
  readonly policy: string;
  /** `2026-11-24` */
  readonly from?: string;
  readonly until: string;
}

/** Lets machines run a published release, as of its `pcrs.json`. Gives the exit code. */
export function allowCommand(file: string, flags: AllowFlags, deps: ReleaseCliDeps): number {
  const { from = isoDate(today(deps.clock)), until } = flags;
  return rewriting(flags.policy, deps, (policy) => {
    const published = parsePcrs(readFileSync(file, 'utf8'));
    if ('problem' in published) return { problem: `${file}: ${published.problem}` };
    const { version, variant, pcrs } = published;
    if (variant !== 'release') return { problem: `${file}: the variant ${variant} is for tests and gets no secrets` };
    if (parseIsoDate(from) === undefined || parseIsoDate(until) === undefined || until <= from)
      return { problem: 'give two dates as 2026-11-24, the later one with --until' };
    const others = policy.releases.filter((release) => release.version !== version);
    deps.stdout.write(`${version} is allowed from ${from} until ${until}.\n`);
    return { ...policy, releases: [...others, { version, pcrs, notBefore: from, notAfter: until, revoked: false }] };
  });
}

/** Machines that run this release are refused from now on. */
export function revokeCommand(version: string, flags: Pick<AllowFlags, 'policy'>, deps: ReleaseCliDeps): number {
  return rewriting(flags.policy, deps, (policy) => {
    if (!policy.releases.some((release) => release.version === version))
      return { problem: `the policy knows no release ${version}` };
    const revoked = (release: PolicyFile['releases'][number]) =>
      release.version === version ? { ...release, revoked: true } : release;
    deps.stdout.write(`${version} is revoked. Certificates of machines that run it end within a day.\n`);
    return { ...policy, releases: policy.releases.map(revoked) };
  });
}

/** Changes the file as a whole, so that the activator reads the old policy or the new one. */
function rewriting(
  path: string,
  { stderr }: ReleaseCliDeps,
  change: (policy: PolicyFile) => PolicyFile | { readonly problem: string },
): number {
  const complain = (problem: string) => {
    stderr.write(`${problem}\n`);
    return 1;
  };
  try {
    const text = readFileSync(path, 'utf8');
    const parsed = parsePolicy(text);
    if ('problem' in parsed) return complain(`${path}: ${parsed.problem}`);
    const changed = change(JSON.parse(text) as PolicyFile);
    if ('problem' in changed) return complain(changed.problem);
    replaceFile(path, `${JSON.stringify(changed, undefined, 2)}\n`, { mode: statSync(path).mode & 0o7777 });
    return 0;
  } catch {
    return complain('a file cannot be read or written');
  }
}
