// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Command } from 'commander';
import type { ReleaseDeps } from './token.cli.ts';

const cli = () => import('./release.cli.ts');
const keysCli = () => import('./keys.cli.ts');

/** The words of everything that follows a build, below `./lethe image`. `end` is given the exit code. */
export function addReleaseCommands(image: Command, deps: ReleaseDeps, end: (code: number) => void): void {
  addBuilders(image, deps, end);
  addKeys(image, deps, end);
  addPcrs(image, deps, end);

  withToken(image.command('sign'))
    .description('sign a build that two builders agree on, and make everything that is published with it')
    .requiredOption('--statement <file...>', 'two statements about the build, by two builders')
    .option('--build <directory>', 'build directory', '.lethe/image/out')
    .option('--builders <file>', 'known builders: {"builders": [{"name": …, "key": …}]}', 'builders.json')
    .requiredOption('--keys <directory>', "key directory of './lethe image keys create'")
    .requiredOption('--out <directory>', 'release directory; it must not be there yet')
    .option('--last-try', 'use the last try before the token locks')
    .option('--draft', 'sign what others could not rebuild: changed sources, or the variant for tests')
    .addHelpText(
      'after',
      '\nExample: ./lethe image sign --statement a.json b.json --keys /media/keys --key URI --out release',
    )
    .action(async (flags) => end(await (await cli()).sign(flags, deps)));

  image
    .command('verify')
    .description('rebuild a published release, attach its signature, and compare the medium byte for byte')
    .argument('<directory>', 'the published release')
    .option('--rebuild <directory>', 'build directory of your own; without it, the image is built now')
    .option('--builders <file>', 'builders that you know')
    .option('--offline', 'build from archived inputs alone')
    .option('--json', 'one JSON object on standard output; progress goes to standard error')
    .action(async (directory, flags) => end(await (await cli()).verify(directory, flags, deps)));
}

function addPcrs(image: Command, deps: ReleaseDeps, end: (code: number) => void): void {
  image
    .command('pcrs')
    .description('print what machines of a keyring show that run a published release, as pcrs.json')
    .argument('<directory>', 'the published release')
    .requiredOption('--keys <directory>', 'key directory; its keyring.json is enough')
    .action(async (directory, flags) => end(await (await cli()).pcrs(directory, flags, deps)));
}

function addBuilders(image: Command, deps: ReleaseDeps, end: (code: number) => void): void {
  image
    .command('builder')
    .description("make a builder's key, if there is none yet, and print its entry for builders.json")
    .argument('<name>')
    .option('--builder-key <file>', 'default: .lethe/image/builders/NAME.key')
    .action(async (name, flags) => end(await (await cli()).builder(name, flags, deps)));

  image
    .command('compare')
    .description('accept two builds only with identical bytes and two different builder keys')
    .argument('<a>', 'build directory with statement.json')
    .argument('<b>', 'another')
    .option('--builders <file>', 'known builders', 'builders.json')
    .option('--diffoscope', 'add its report on each file that differs')
    .option('--json', 'one JSON object on standard output')
    .action(async (a, b, flags) => end(await (await cli()).compare(a, b, flags, deps)));
}

function addKeys(image: Command, deps: ReleaseDeps, end: (code: number) => void): void {
  const keys = image.command('keys').description('Secure Boot keys: PK and KEK in files, the release key in a token');
  const operator = ['--operator <name>', 'name in the certificates', 'Lethe'] as const;

  withToken(keys.command('create'))
    .description('make PK and KEK, and the certificate of a key in a token; writes what machines are given')
    .argument('<directory>')
    .option(...operator)
    .option('--generate <id>', 'make the key in the token first, under this id in hex')
    .action(async (directory, flags) => end(await (await keysCli()).createKeys(directory, flags, deps)));

  withToken(keys.command('add'))
    .description('let programs of another key boot as well')
    .argument('<directory>')
    .option(...operator)
    .option('--generate <id>', 'make the key in the token first, under this id in hex')
    .action(async (directory, flags) => end(await (await keysCli()).addKey(directory, flags, deps)));

  keys
    .command('retire')
    .description('let programs of a certificate boot no more')
    .argument('<directory>')
    .argument('<fingerprint>', 'first digits of its SHA-256')
    .action(async (directory, which) => end(await (await keysCli()).retireKey(directory, which, deps)));

  keys
    .command('replace')
    .description('replace PK or KEK')
    .argument('<directory>')
    .argument('<name>', 'PK or KEK')
    .option(...operator)
    .action(async (directory, name, flags) => end(await (await keysCli()).replace(directory, name, flags, deps)));

  image
    .command('revoke')
    .description('let an image boot no more, whoever signed it')
    .argument('<image>', 'EFI program, published release, or Authenticode SHA-256 in hex')
    .requiredOption('--keys <directory>', 'key directory')
    .action(async (program, flags) => end(await (await keysCli()).revoke(program, flags, deps)));
}

function withToken(command: Command): Command {
  return command
    .requiredOption('--key <uri>', "PKCS#11 URI: 'pkcs11:token=LABEL;object=NAME' or 'pkcs11:token=LABEL;id=%02'")
    .option('--module <file>', 'PKCS#11 library', '/usr/lib/x86_64-linux-gnu/libykcs11.so')
    .option('--pin-file <file>', 'PIN in a closed file on a tmpfs; without it, you are asked')
    .option('--pin-fd <number>', 'PIN from an open file descriptor');
}
