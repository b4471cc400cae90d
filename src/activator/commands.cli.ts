// SPDX-License-Identifier: AGPL-3.0-or-later
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import type { EnrolFlags, GatewayCliDeps } from './enrol.cli.ts';
import type { AllowFlags } from './releases.cli.ts';

const PROGRAM = fileURLToPath(new URL('../../cmd/activator.ts', import.meta.url));
const CONFIG = ['--activator <file>', "the activator's configuration file"] as const;

const POLICY = ['--policy <file>', "the activator's policy file"] as const;

/** Ends the process with the code of a command. */
type ExitWith = (code: number) => void;

/** `activator`, `policy` and `gateway` of the command line. What they need is loaded when they are called. */
export function addActivationCommands(program: Command, deps: GatewayCliDeps, exit: ExitWith): void {
  addActivator(program, exit);
  addPolicy(program, deps, exit);
  addGateway(program, deps, exit);
}

function addActivator(program: Command, exit: ExitWith): void {
  program
    .command('activator')
    .description('give gateways their secrets once they have proven what they run, in the foreground')
    .requiredOption('--config <file>', 'configuration file')
    .option('--operator-file', 'only print what ./lethe image build --operator needs to know of this activator')
    .addHelpText('after', '\nExample: ./lethe activator --config /etc/lethe/activator.json')
    .action(({ config, operatorFile = false }: { config: string; operatorFile?: boolean }) => {
      const argv = [PROGRAM, '--config', config, ...(operatorFile ? ['--operator-file'] : [])];
      // A Ctrl-C reaches the program itself; this one waits for it.
      process.on('SIGINT', () => undefined);
      exit(spawnSync(process.execPath, argv, { stdio: 'inherit' }).status ?? 1);
    });
}

function addPolicy(program: Command, deps: GatewayCliDeps, exit: ExitWith): void {
  const releases = () => import('./releases.cli.ts');
  const policy = program.command('policy').description('releases that the activator accepts');

  policy
    .command('allow')
    .description('let machines run a published release, new or again')
    .argument('<pcrs.json>', "the release's predicted PCR values")
    .requiredOption(...POLICY)
    .requiredOption('--until <date>', 'first day on which it is not allowed any more')
    .option('--from <date>', 'first day; today unless given')
    .addHelpText(
      'after',
      '\nExample: ./lethe policy allow lethe-0.2.0/pcrs.json --policy policy.json --until 2027-02-24',
    )
    .action(async (file: string, flags: AllowFlags) => exit((await releases()).allowCommand(file, flags, deps)));

  policy
    .command('revoke')
    .description('refuse machines that run a release, from now on')
    .argument('<version>')
    .requiredOption(...POLICY)
    .action(async (version: string, flags: AllowFlags) => exit((await releases()).revokeCommand(version, flags, deps)));
}

function addGateway(program: Command, deps: GatewayCliDeps, exit: ExitWith): void {
  const gateways = () => import('./enrol.cli.ts');
  const gateway = program.command('gateway').description('machines that may become gateways, and their TPMs');

  gateway
    .command('enrol')
    .description("register a machine's TPM for a gateway, and what the gateway is given")
    .argument('<name>', 'name of the gateway: zrh-01')
    .requiredOption(...CONFIG)
    .requiredOption('--parameters <file>', 'the place of the gateway and whom it serves; see docs/activation.md')
    .option('--ek <file>', "certificate of the TPM's endorsement key, PEM or DER")
    .option('--ek-hash <hex>', 'or only its SHA-256')
    .option('--pcr0 <hex>', 'what PCR 0 holds; without it, whatever the machine shows when it is first accepted')
    .option('--pcr2 <hex>', 'what PCR 2 holds')
    .addHelpText(
      'after',
      '\nExample: ./lethe gateway enrol zrh-01 --activator activator.json --ek ek.pem --parameters zrh-01.json',
    )
    .action(async (name: string, flags: EnrolFlags) => exit(await (await gateways()).enrolCommand(name, flags, deps)));

  gateway
    .command('list')
    .description('enrolled gateways, the boot in which each was last activated, and when it last proved itself')
    .requiredOption(...CONFIG)
    .action(async (flags: EnrolFlags) => exit(await (await gateways()).listCommand(flags, deps)));

  gateway
    .command('forget')
    .description('take a gateway back: its machine gets neither secrets nor certificates any more')
    .argument('<name>')
    .requiredOption(...CONFIG)
    .option('--firmware', 'forget PCRs 0 and 2 only, after an update of its firmware')
    .action(async (name: string, flags: EnrolFlags & { firmware?: boolean }) =>
      exit(await (await gateways()).forgetCommand(name, flags, deps)),
    );
}
