// SPDX-License-Identifier: AGPL-3.0-or-later
import { type Command, Option } from 'commander';
import type { AccountVerb } from '../control/program/account.cli.ts';
import type { AccountFlags } from './account.cli.ts';
import type { StatusFlags } from './status.cli.ts';
import { type UpDeps, type UpFlags, up } from './up.cli.ts';

export interface ServiceCliDeps extends Omit<UpDeps, 'stopRequested'> {
  /** Resolves when the person or the machine wants a service that runs in the foreground to stop. */
  readonly stopRequested: () => Promise<void>;
  /** Gives what an operator types. */
  readonly keyboard: AsyncIterable<unknown>;
}

/** Ends the process with the code of a command. */
type ExitWith = (code: number) => void;

/** Which service is meant. */
function place(command: Command): Command {
  return command
    .option(
      '--config <file>',
      'settings in JSON, each under the name of its flag (default for root: /etc/lethe/lethe.json)',
    )
    .option('--data <directory>', 'database and keys (default: /var/lib/lethe, or ~/.local/share/lethe without root)');
}

/** An error of a command points to the help that knows its flags. `words` is how it is called: `./lethe`. */
export function pointToHelp(command: Command, words: string): void {
  command.showHelpAfterError(`Try ${words} --help.`);
  for (const inner of command.commands) pointToHelp(inner, `${words} ${inner.name()}`);
}

/** `up`, `status` and `account` of the command line. */
export function addServiceCommands(program: Command, deps: ServiceCliDeps, exit: ExitWith): void {
  addUp(program, deps, exit);
  addAccount(program, deps, exit);
  place(program.command('status'))
    .description('show how each part of the service is doing')
    .option('--json', 'one JSON object on standard output')
    .option('--watch', 'look again every two seconds and print what has changed, until Ctrl-C')
    .addHelpText(
      'after',
      '\nThe exit code is 0 when all is well, 3 when the service is not running, 4 when a part needs attention.',
    )
    .addHelpText('after', '\nExample: ./lethe status --watch')
    .action(async (flags: StatusFlags) => {
      const { status } = await import('./status.cli.ts');
      exit(await status(flags, { ...deps, stopRequested: deps.stopRequested() }));
    });
}

function addAccount(program: Command, deps: ServiceCliDeps, exit: ExitWith): void {
  const command = program
    .command('account')
    .description('look at or change one account; its number is asked for, or read from standard input');
  const verb = (name: AccountVerb, about: string): Command => {
    const made = place(command.command(name)).description(about).option('--json', 'one JSON object on standard output');
    return made.action(async (flags: AccountFlags) => {
      const { account } = await import('./account.cli.ts');
      exit(await account(name, flags, deps));
    });
  };
  verb('show', 'show when its licence ends, and how many WireGuard keys it has').addHelpText(
    'after',
    '\nExample: ./lethe account show',
  );
  verb('extend', 'add days to its licence, counted from today if it has ended')
    .requiredOption('--days <number>', 'how many days')
    .addHelpText('after', '\nExample: ./lethe account extend --days 31');
  verb('close', 'delete it, and everything that leads to it')
    .option('--yes', 'really delete it; this cannot be undone')
    .addHelpText('after', '\nExample: ./lethe account close --yes');
}

function addUp(program: Command, deps: ServiceCliDeps, exit: ExitWith): void {
  place(program.command('up'))
    .description('run the whole service on this machine, in the foreground')
    .option('--listen <address:port>', 'where portal and API listen (default: 127.0.0.1:8080)')
    .option('--health <address:port>', 'where /healthz answers, for this machine only')
    .option('--no-health', 'serve no /healthz any more')
    .option('--origin <https://name>', 'the address that browsers use, when a proxy in front ends TLS')
    .option('--no-origin', 'there is no such proxy any more')
    .option('--name <name>', 'name of your service (default: Lethe)')
    .option('--operator-name <text>', "who runs it, as customers are told: 'Nordlicht GmbH, Vienna'")
    .option('--no-operator-name', 'no longer tell them')
    .option('--price <text>', "what it costs after the trial, as customers are told: '5 EUR a month'")
    .option('--no-price', 'no longer tell them')
    .option('--contact <address>', 'where customers can write: help@vpn.example, or a page')
    .option('--no-contact', 'no longer tell them')
    .option('--source-url <url>', 'where to find the source of what you run (default: the portal offers it)')
    .option('--no-source-url', 'let the portal offer it again')
    .option('--accounts <number>', 'how many accounts there may be (default: 1000000)', Number)
    .option('--public <address>', 'open the gateway to the world, at this address of the machine')
    .option('--no-public', 'let only this machine reach the gateway')
    .option('--keep-443', 'leave 443/tcp of that address to a web server; OpenVPN over TCP then uses 1194/tcp')
    .option('--no-keep-443', 'use 443/tcp again')
    .option('--location <id:name:CC>', 'where the machine is, as customers see it (default: xx-home:This machine:XX)')
    .option('--forwarder <address...>', 'ask these resolvers instead of the root servers')
    .option('--no-forwarder', 'ask the root servers again')
    .option(
      '--image <directory>',
      'run the gateway in a virtual machine with a TPM, from a signed release of its image',
    )
    .option('--no-image', 'run the gateway without a virtual machine again')
    .option('--gateway', 'run a gateway again')
    .option('--no-gateway', 'run portal and API only; needs no root')
    .option('--change', 'also make changes that break what customers have; otherwise they are only explained')
    .option('--operator-file', "only write the file that './lethe image build --operator' needs, and stop")
    .addOption(new Option('--needs').hideHelp())
    .addHelpText('after', '\nSettings are remembered in the data directory, so each has to be given only once.')
    .addHelpText('after', "\nExample: ./lethe up --public 203.0.113.7 --location 'ch-zrh:Zürich, Switzerland:CH'")
    .action(async (flags: UpFlags) => exit(await up(flags, { ...deps, stopRequested: deps.stopRequested() })));
}
