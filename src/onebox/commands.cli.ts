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
    .option('--config <file>', 'settings in JSON, each under the name of its flag; root reads /etc/lethe/lethe.json')
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
    .description('how the service is, part by part')
    .option('--json', 'one JSON object on standard output')
    .option('--watch', 'look every two seconds and print what has changed, until Ctrl-C')
    .addHelpText(
      'after',
      '\nEnds with 0 when all is well, 3 when the service does not run, 4 when a part needs attention.',
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
    .description('one account, whose number is asked for or read from standard input');
  const verb = (name: AccountVerb, about: string): Command => {
    const made = place(command.command(name)).description(about).option('--json', 'one JSON object on standard output');
    return made.action(async (flags: AccountFlags) => {
      const { account } = await import('./account.cli.ts');
      exit(await account(name, flags, deps));
    });
  };
  verb('show', 'until when it is paid, and how many keys it has').addHelpText(
    'after',
    '\nExample: ./lethe account show',
  );
  verb('extend', 'add days to its licence, from its end or from today')
    .requiredOption('--days <number>', 'how many')
    .addHelpText('after', '\nExample: ./lethe account extend --days 31');
  verb('close', 'delete it, and all that leads to it')
    .option('--yes', 'do it; nothing brings it back')
    .addHelpText('after', '\nExample: ./lethe account close --yes');
}

function addUp(program: Command, deps: ServiceCliDeps, exit: ExitWith): void {
  place(program.command('up'))
    .description('run the whole service on this machine, in the foreground')
    .option('--listen <address:port>', 'where portal and API listen (default: 127.0.0.1:8080)')
    .option('--health <address:port>', 'where /healthz says how the service is, for this machine alone')
    .option('--no-health', 'nowhere again')
    .option('--origin <https://name>', 'what browsers ask, where a proxy ends TLS')
    .option('--no-origin', 'no proxy ends TLS any more')
    .option('--name <name>', 'the name of your service (default: Lethe)')
    .option('--operator-name <text>', "who runs it, for customers: 'Nordlicht GmbH, Vienna'")
    .option('--no-operator-name', 'say it no longer')
    .option('--price <text>', "what it costs after the trial, for customers: '5 EUR a month'")
    .option('--no-price', 'say it no longer')
    .option('--contact <address>', 'where customers write to: help@vpn.example, or a page')
    .option('--no-contact', 'say it no longer')
    .option('--source-url <url>', 'where the source of what you run is; without it, the portal hands it out')
    .option('--no-source-url', 'let the portal hand it out again')
    .option('--accounts <number>', 'how many accounts there may be (default: 1000000)', Number)
    .option('--public <address>', 'open the gateway to the world under this address of the machine')
    .option('--no-public', 'let only this machine reach the gateway again')
    .option('--keep-443', 'leave 443/tcp of that address to a web server; OpenVPN over TCP takes 1194/tcp')
    .option('--no-keep-443', 'take 443/tcp again')
    .option('--location <id:name:CC>', 'place of the machine, as customers see it (default: xx-home:This machine:XX)')
    .option('--forwarder <address...>', 'ask these resolvers instead of the root servers')
    .option('--no-forwarder', 'ask the root servers again')
    .option(
      '--image <directory>',
      'run the gateway from a signed release of its image, in a virtual machine with a TPM',
    )
    .option('--no-image', 'run the gateway in a namespace again')
    .option('--gateway', 'with a gateway again')
    .option('--no-gateway', 'portal and API alone; needs no root')
    .option('--change', 'change also what customers rely on; without it, such a change is only explained')
    .option('--operator-file', "only write what './lethe image build --operator' needs to know of this service")
    .addOption(new Option('--needs').hideHelp())
    .addHelpText('after', '\nSettings are remembered in the data directory: say each once.')
    .addHelpText('after', "\nExample: ./lethe up --public 203.0.113.7 --location 'ch-zrh:Zürich, Switzerland:CH'")
    .action(async (flags: UpFlags) => exit(await up(flags, { ...deps, stopRequested: deps.stopRequested() })));
}
