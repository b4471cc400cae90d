// SPDX-License-Identifier: AGPL-3.0-or-later
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { CHECKS, check, memoryOf } from '../proof/check/check.cli.ts';
import { addActivationCommands } from '../src/activator/commands.cli.ts';
import { systemClock } from '../src/core/clock/clock.ts';
import { systemRandom } from '../src/core/random/random.ts';
import type { UserCalls } from '../src/host/processes/privileges.os.ts';
import { EXIT } from '../src/host/terminal/exit.ts';
import type { Terminal } from '../src/host/terminal/terminal.ts';
import type { BuildFlags } from '../src/image/build/image.cli.ts';
import { addReleaseCommands } from '../src/image/release/commands.cli.ts';
import type { StateFlags } from '../src/image/release/release.cli.ts';
import { addServiceCommands, pointToHelp } from '../src/onebox/commands.cli.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const stdout: Terminal = { write: (text) => void process.stdout.write(text), interactive: process.stdout.isTTY };
const stderr: Terminal = { write: (text) => void process.stderr.write(text), interactive: process.stderr.isTTY };

function stopRequested(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
}

const program = new Command('lethe')
  .description('A privacy VPN service that cannot remember its customers, and can prove it.')
  .version(version)
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? EXIT.done : EXIT.usage));

const serviceDeps = {
  stdout,
  stderr,
  clock: systemClock,
  random: systemRandom,
  release: version,
  stopRequested,
  keyboard: process.stdin,
};
program.commandsGroup('For operators:');
addServiceCommands(program, serviceDeps, (code) => process.exit(code));

program
  .command('demo')
  .description('show a real session of each protocol, and everything that the service remembers of it')
  .option('--json', 'one JSON object on standard output; progress goes to standard error')
  .addHelpText('after', '\nExample: ./lethe demo')
  .action(async ({ json = false }: { json?: boolean }) => {
    const { demo } = await import('../proof/demo/demo.cli.ts');
    process.exit(await demo({ json, version }, { ...serviceDeps, stopRequested: stopRequested() }));
  });

program.commandsGroup('For gateways that have to prove themselves:');
const image = program.command('image').description('the gateway image: lock its parts, fetch them, build it, sign it');
const releaseDeps = {
  stdout,
  stderr,
  clock: systemClock,
  random: systemRandom,
  keyboard: process.stdin,
  environment: process.env,
};
const imageDeps = { stdout, stderr, clock: systemClock };
const imageCli = () => import('../src/image/build/image.cli.ts');

image
  .command('lock')
  .description("resolve the packages against today's Debian and rewrite image/*.lock")
  .action(async () => process.exit(await (await imageCli()).imageLock(imageDeps)));

image
  .command('fetch')
  .description('fetch what the locks name into .lethe/image/cache, and verify every file')
  .option('--locks <directory>', 'take packages.lock and tools.lock from here')
  .action(async ({ locks }: { locks?: string }) => {
    process.exit(await (await imageCli()).imageFetch(imageDeps, locks));
  });

image
  .command('build')
  .description('build the image, unsigned; the same inputs give the same bytes')
  .option('--out <directory>', 'build directory; it is replaced', '.lethe/image/out')
  .option('--locks <directory>', 'take packages.lock and tools.lock from here')
  .option('--operator <file>', 'which activator the image trusts: {"activator": "https://HOST:PORT", "authority": PEM}')
  .option('--variant <name>', 'release, or probe: the same root image, for tests', 'release')
  .option('--from <directory>', 'finished build that a probe is made from')
  .option('--offline', 'use archived inputs alone')
  .option('--builder <name>', 'sign what came out as the work of this builder')
  .option(
    '--builder-key <file>',
    "the builder's key; made when it is not there; default: .lethe/image/builders/NAME.key",
  )
  .addHelpText('after', '\nExample: ./lethe image build --operator operator.json --builder anna')
  .action(async (flags: BuildFlags & StateFlags) => {
    const built = await (await imageCli()).imageBuild(flags, imageDeps);
    if (built !== 0) process.exit(built);
    process.exit(await (await import('../src/image/release/release.cli.ts')).state(flags, releaseDeps));
  });

addReleaseCommands(image, releaseDeps, (code) => process.exit(code));

const gatewayDeps = { stdout, stderr, clock: systemClock, random: systemRandom, identity: process as UserCalls };
addActivationCommands(program, gatewayDeps, (code) => process.exit(code));

program.commandsGroup('For developers:');
program
  .command('check')
  .description('types, lint, format, copies, architecture and texts, in under a minute')
  .option('--all', 'also what was found good before and has not changed')
  .action(async ({ all = false }: { all?: boolean }) => {
    process.exit(await check(stdout, systemClock, CHECKS, all ? undefined : await memoryOf('.')));
  });

program
  .command('test')
  .description('all tests, with coverage; or only the files named')
  .argument('[files...]')
  .option('--quick', 'only what starts no gateway, no machine and no browser, in minutes; without root, all but a few')
  .option('--mutants', 'break each line of a table that guards something, and say whether a test notices; an hour')
  .addHelpText('after', '\nLETHE_TEST_OUTPUT=1 prints what tests say as well.\n\nExample: ./lethe test test/*.ts')
  .action(async (files: string[], { quick = false, mutants = false }: { quick?: boolean; mutants?: boolean }) => {
    const { enclosed } = await import('../proof/runner/enclosed.ts');
    const words = [
      mutants ? 'proof/mutants/mutants.cli.ts' : 'proof/runner/run.ts',
      ...(quick ? ['--quick'] : []),
      ...files,
    ];
    process.exit(await enclosed([process.execPath, ...words]));
  });

program
  .command('bench')
  .description('speed and memory against named peers, both sides in one run')
  .argument('[name]', 'one benchmark; without it, all')
  .option('--json', 'one JSON array on standard output')
  .option('--tiny', 'each line at its smallest: shows that it runs, measures nothing')
  .addHelpText('after', '\nExample: ./lethe bench authorize')
  .action(async (name: string | undefined, flags: { json?: true; tiny?: true }) => {
    const { main } = await import('../proof/bench/bench.cli.ts');
    const argv = [...(name === undefined ? [] : [name]), ...Object.keys(flags).map((flag) => `--${flag}`)];
    process.exit(await main(argv, (text) => process.stdout.write(text)));
  });

pointToHelp(program, './lethe');

await program.parseAsync();
