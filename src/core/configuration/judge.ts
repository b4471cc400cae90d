// SPDX-License-Identifier: AGPL-3.0-or-later

/** A configuration file of a daemon: its name below the daemon's or the gateway's directory, and its text. */
export interface ConfigurationFile {
  readonly name: string;
  readonly content: string;
}

/** Something that could log, record or persist, or that no judge has looked at yet. */
export interface Finding {
  /** Name of the file, as in {@link ConfigurationFile}. */
  readonly file: string;
  /** From 1; 0 for something that is missing from the file, and for the file as a whole. */
  readonly line: number;
  /** One short sentence. It may name what is in the judge's own lists, and repeats nothing of the file. */
  readonly problem: string;
}

/**
 * Reads the configuration of one daemon with its own list of names and its own parser: a judge that shared either with
 * what renders the files would share its mistakes.
 */
export interface Judge {
  /** The files that it claims. Where daemons are about to run, each must be there, for defaults may log. */
  readonly files: readonly string[];
  /** What else of its daemon may be beside them, by name and kind. */
  readonly known?: KnownEntries;
  /** `undefined` for a file that is not one of its own, which another judge has to claim. */
  readonly findings: (file: ConfigurationFile) => Finding[] | undefined;
}

/**
 * What each judge finds in its own files. A file that no judge claims is a finding. One with a character that parsers
 * read differently is not shown to its judge, who might see other lines and words than the daemon does.
 */
export function judgeFiles(files: readonly ConfigurationFile[], judges: readonly Judge[]): Finding[] {
  return files.flatMap((file) => {
    const strange = strangeCharacters(file);
    if (strange.length > 0) return strange;
    const claims = judges.map((judge) => judge.findings(file)).filter((found) => found !== undefined);
    return claims.length === 0 ? [asWhole(file.name, 'no judge knows this file')] : claims.flat();
  });
}

/**
 * Lines with anything but printable ASCII: control characters, other spaces and line ends, bytes that are no UTF-8. What
 * is rendered has none of them, and no tab.
 */
function strangeCharacters({ name, content }: ConfigurationFile): Finding[] {
  return content
    .split('\n')
    .flatMap((text, index) =>
      /[^ -~]/.test(text)
        ? [{ file: name, line: index + 1, problem: 'a character that parsers read differently' }]
        : [],
    );
}

export type EntryKind = 'file' | 'directory' | 'socket' | 'link' | 'other';

/** Something in a directory. */
export interface Entry {
  /** Below the directory: `keys/server.key` */
  readonly name: string;
  readonly kind: EntryKind;
  /** Text of a file that a judge claims, `undefined` when it cannot be read. Other files are not read: they may be keys. */
  readonly content?: string | undefined;
}

/** What a directory may hold besides configuration, by name. */
export type KnownEntries = Readonly<Record<string, EntryKind>>;

/** Whether the text of an entry is wanted for {@link judgeDirectory}. */
export function isJudged({ name, kind }: Entry, judges: readonly Judge[]): boolean {
  return kind === 'file' && judges.some(({ files }) => files.includes(name));
}

/** What a directory may hold whose files these judges know. */
export function knownEntries(judges: readonly Judge[]): KnownEntries {
  return Object.assign({}, ...judges.map(({ known }) => known ?? {})) as KnownEntries;
}

/**
 * Behind the name of a file: what a writer left who was ended halfway, with the writer's number. Nobody reads such a file,
 * and it is cleared away when the file is next written.
 */
const UNFINISHED = /\.\d+\.unfinished$/;

/** What is wrong with the content of a directory: also what no judge knows by name, and what is missing. */
export function judgeDirectory(entries: readonly Entry[], judges: readonly Judge[]): Finding[] {
  const known = knownEntries(judges);
  const claimed = entries.filter((entry) => isJudged(entry, judges));
  const files = claimed.flatMap(({ name, content }) => (content === undefined ? [] : [{ name, content }]));
  const unread = claimed.filter(({ content }) => content === undefined);
  const others = entries.filter((entry) => !claimed.includes(entry));
  const isFile = (name: string) => known[name] === 'file' || judges.some((judge) => judge.files.includes(name));
  const unknown = others.filter(
    ({ name, kind }) => known[name] !== kind && !(kind === 'file' && isFile(name.replace(UNFINISHED, ''))),
  );
  const missing = judges
    .flatMap((judge) => judge.files)
    .filter((name) => !entries.some((entry) => entry.name === name));
  return [
    ...judgeFiles(files, judges),
    ...unread.map(({ name }) => asWhole(name, 'the file cannot be read')),
    ...unknown.map(({ name }) => asWhole(name, 'nobody knows what this is')),
    ...missing.map((name) => asWhole(name, 'the file is not there')),
  ];
}

function asWhole(file: string, problem: string): Finding {
  return { file, line: 0, problem };
}
