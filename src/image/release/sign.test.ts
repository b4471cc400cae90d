// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  existsSync,
  globSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sampleBuild, sampleIso } from '../../../proof/labs/release/sample-build.os.ts';
import { type SoftToken, softToken } from '../../../proof/labs/tokens/softhsm.os.ts';
import { parsePe, signaturesOf } from '../../bytes/formats/pe.ts';
import { PUBLISHED, parsePcrs } from '../../contracts/release/publication.ts';
import { type Builders, builderEntry } from '../../contracts/release/statement.ts';
import { ManualClock, systemClock } from '../../core/clock/clock.ts';
import { systemRandom } from '../../core/random/random.ts';
import { run, spawnChild } from '../../host/processes/process.os.ts';
import { Progress } from '../../host/terminal/terminal.ts';
import { REPOSITORY } from '../build/recipe.os.ts';
import { TokenKey } from '../tokens/token.os.ts';
import { TokenError } from '../tokens/token.ts';
import { builderKey, readBuilders, STATEMENT_FILE, writeStatement } from './builders.os.ts';
import { createKeyring, readKeyring, revokeHash } from './ceremony.os.ts';
import { ReleaseRefused } from './refusal.ts';
import { type SignOptions, signRelease } from './sign.os.ts';
import { predictedPcrs, program, type Step, verifyRelease } from './verify.os.ts';

const PIN = 'pin-7f3a91c2-of-this-test';
const directory = mkdtempSync(join(tmpdir(), 'lethe-sign-'));
const at = (...names: string[]) => join(directory, ...names);
const lines: string[] = [];
const progress = new Progress({ write: (text) => lines.push(text), interactive: false }, systemClock);
let soft: SoftToken;
let builders: Builders;

before(async () => {
  soft = await softToken(directory, 'release', PIN);
  await createKeyring(
    { clock: new ManualClock(Date.UTC(2026, 10, 24)), random: systemRandom },
    at('keys'),
    'T',
    soft.key,
    soft.pin,
  );
  const entries = ['anna', 'berta', 'carla'].map((name) => builderEntry(name, builderKey(at(`${name}.key`))));
  writeFileSync(at('builders.json'), JSON.stringify({ builders: entries }));
  builders = readBuilders(at('builders.json'));
  for (const name of ['anna', 'berta']) {
    await sampleBuild(at(name));
    await writeStatement(at(name), name, builderKey(at(`${name}.key`)));
  }
});
after(() => rmSync(directory, { recursive: true }));

const statement = (name: string) => at(name, STATEMENT_FILE);

function options(out: string, changes: Partial<SignOptions> = {}): SignOptions {
  return {
    build: at('anna'),
    statements: [statement('anna'), statement('berta')],
    builders,
    keyring: readKeyring(at('keys')),
    key: soft.key,
    pin: () => Promise.resolve(new TextEncoder().encode(PIN)),
    out: at(out),
    repository: REPOSITORY,
    makeIso: sampleIso,
    progress,
    ...changes,
  };
}

/** Runs a signing that must be refused, and sees that it left nothing. */
async function refusedTo(out: string, changes: Partial<SignOptions>): Promise<Error> {
  const error = await signRelease(options(out, changes)).then(
    () => assert.fail('it was signed'),
    (reason: unknown) => reason as Error,
  );
  assert.deepEqual(
    readdirSync(directory).filter((name) => name.includes(out)),
    [],
  );
  return error;
}

const code = (error: Error) =>
  error instanceof ReleaseRefused || error instanceof TokenError ? error.code : String(error);

test('two agreeing builders, a token and a PIN make a release', async () => {
  const pcrs = await signRelease(options('release'));
  assert.deepEqual(readdirSync(at('release')).toSorted(), [
    'NOTES.md',
    'SHA256SUMS',
    'build.json',
    'keyring.json',
    'lethe-0.2.0.iso',
    'packages.lock',
    'pcrs.json',
    'sbom.cdx.json',
    'statement-anna.json',
    'statement-berta.json',
    'tools.lock',
    'uki.efi',
    'uki.p7s',
    'uki.signed.efi',
  ]);
  await run(['sha256sum', '--quiet', '--check', 'SHA256SUMS'], { cwd: at('release') });
  assert.deepEqual(parsePcrs(readFileSync(at('release', PUBLISHED.pcrs), 'utf8')), pcrs);
  const notes = readFileSync(at('release', PUBLISHED.notes), 'utf8');
  for (const fact of [pcrs.pcrs[4], pcrs.authenticode, '- anna, key', '- berta, key', '0123456789abcdef']) {
    assert.ok(notes.includes(fact), fact);
  }
  await signRelease(options('second'));
  assert.deepEqual(readFileSync(at('second', 'SHA256SUMS')), readFileSync(at('release', 'SHA256SUMS')));
  rmSync(at('second'), { recursive: true });
  assert.equal(
    code((await signRelease(options('release')).catch((error: unknown) => error as Error)) as Error),
    'release',
  );
});

test("another's tools attach the published signature to the same bytes", async () => {
  copyFileSync(at('release', 'uki.efi'), at('attached.efi'));
  await run(['sbattach', '--attach', at('release', 'uki.p7s'), at('attached.efi')]);
  assert.deepEqual(readFileSync(at('attached.efi')), readFileSync(at('release', 'uki.signed.efi')));
  const signed = parsePe(readFileSync(at('release', 'uki.signed.efi')));
  assert.ok(!('problem' in signed));
  assert.deepEqual(signaturesOf(signed), [new Uint8Array(readFileSync(at('release', 'uki.p7s')))]);
});

test('without two agreeing statements nothing is signed, and nobody is asked for a PIN', async () => {
  const pin = () => assert.fail('asked for a PIN');
  const anna = statement('anna');
  assert.equal(code(await refusedTo('x', { pin, statements: [anna, anna] })), 'same builder');
  assert.equal(code(await refusedTo('x', { pin, statements: [anna, at('none.json')] })), 'statement');
  await sampleBuild(at('carla'), { contents: { cmdline: 'quiet init=/bin/sh' } });
  await writeStatement(at('carla'), 'carla', builderKey(at('carla.key')));
  const error = await refusedTo('x', { pin, statements: [anna, statement('carla')] });
  assert.equal(code(error), 'different bytes');
  assert.match(error.message, /anna and carla do not agree on build.json, cmdline, uki.efi/);
  assert.equal(code(await refusedTo('x', { pin, build: at('carla') })), 'statement');
  const known = new Map([...builders].filter(([name]) => name !== 'berta'));
  assert.equal(code(await refusedTo('x', { pin, builders: known })), 'statement');
});

test('what nobody could rebuild is signed only as a draft', async () => {
  for (const sample of [{ commit: null }, { commit: `${'ab'.repeat(20)}-dirty` }, { variant: 'probe' as const }]) {
    for (const name of ['anna', 'berta']) {
      await sampleBuild(at(`draft-${name}`), sample);
      await writeStatement(at(`draft-${name}`), name, builderKey(at(`${name}.key`)));
    }
    const draft = { build: at('draft-anna'), statements: [statement('draft-anna'), statement('draft-berta')] as const };
    const error = await refusedTo('x', draft);
    assert.equal(code(error), 'build');
    assert.match(error.message, /--draft/);
    await signRelease(options('sketch', { ...draft, draft: true }));
    assert.ok(existsSync(at('sketch', sample.variant === 'probe' ? 'lethe-0.2.0-probe.iso' : 'lethe-0.2.0.iso')));
    rmSync(at('sketch'), { recursive: true });
  }
});

test('a wrong PIN, no PIN, an absent token or another key: an error that helps, and no output', async () => {
  const pin = (text: string) => () => Promise.resolve(new TextEncoder().encode(text));
  const wrong = await refusedTo('x', { pin: pin('0000000') });
  assert.equal(code(wrong), 'wrong PIN');
  assert.match(wrong.message, /The PIN is wrong .*few tries are left/);
  let warning = '';
  await refusedTo('x', {
    pin: (text) => {
      warning = text;
      return Promise.resolve(new Uint8Array(0));
    },
  }).then((error) => assert.equal(code(error), 'no PIN'));
  assert.match(warning, /few tries are left/, 'said before the next try');
  const elsewhere = new TokenKey(soft, { token: 'elsewhere', key: 'object:sign' });
  assert.equal(code(await refusedTo('x', { key: elsewhere })), 'no token');
  const other = new TokenKey(soft, { token: 'release', key: 'object:other' });
  await other.generate(soft.pin, '05', 2048);
  assert.equal(code(await refusedTo('x', { key: other })), 'keyring');
  const broken = { makeIso: () => Promise.reject(new ReleaseRefused('build', 'no medium')) };
  assert.equal(code(await refusedTo('x', broken)), 'build');
});

test('the last try is not used unless that is wished', async () => {
  class LastTry extends TokenKey {
    override pinState() {
      return Promise.resolve('last' as const);
    }
  }
  const key = new LastTry(soft, soft.key.place);
  const error = await refusedTo('x', { key, pin: () => assert.fail('asked for a PIN') });
  assert.equal(code(error), 'last try');
  assert.match(error.message, /ONE TRY IS LEFT/);
  let warning = '';
  const pin = (text: string) => {
    warning = text;
    return Promise.resolve(new TextEncoder().encode(PIN));
  };
  await signRelease(options('last', { key, pin, lastTry: true }));
  assert.match(warning, /ONE TRY IS LEFT/);
  rmSync(at('last'), { recursive: true });
});

/** Argument lists and environments of all processes that hold a text now, and how many were looked at. */
function processesThatShow(text: string): { found: string[]; seen: string } {
  const found: string[] = [];
  let seen = '';
  for (const file of globSync('/proc/[0-9]*/{cmdline,environ}')) {
    try {
      const content = readFileSync(file, 'latin1');
      if (file.endsWith('cmdline')) seen += content;
      if (content.includes(text)) found.push(file);
    } catch {
      // It ended.
    }
  }
  return { found, seen };
}

test('the PIN is in no process list, no environment, no file and no output while it is used', async () => {
  const watched = { signing: true };
  const signed = (async () => {
    for (let round = 0; round < 3; round += 1) {
      await signRelease(options(`watched-${round}`));
      await refusedTo('x', { pin: () => Promise.resolve(new TextEncoder().encode(`${PIN}-but-wrong`)) });
    }
  })().finally(() => {
    watched.signing = false;
  });
  let sawToken = false;
  const found: string[] = [];
  while (watched.signing) {
    const look = processesThatShow(PIN);
    found.push(...look.found);
    sawToken ||= look.seen.includes('lethe-token\0');
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  await signed;
  assert.ok(sawToken, 'the look never met the program that signs');
  assert.deepEqual(found, []);
  const holds = (file: string) => readFileSync(file).includes(PIN);
  const files = globSync('**/*', { cwd: directory, withFileTypes: true }).filter((entry) => entry.isFile());
  assert.deepEqual(files.map((entry) => join(entry.parentPath, entry.name)).filter(holds), []);
  assert.ok(!lines.join('').includes(PIN));
  for (let round = 0; round < 3; round += 1) rmSync(at(`watched-${round}`), { recursive: true });
});

test('a PIN that did show would be seen', async () => {
  const child = spawnChild(['sleep', '600'], { env: { SECRET: PIN } });
  try {
    while (readlinkSync(`/proc/${child.pid}/exe`).includes('node'))
      await new Promise((resolve) => setImmediate(resolve));
    const { found } = processesThatShow(PIN);
    assert.deepEqual(found, [`/proc/${child.pid}/environ`]);
  } finally {
    await child.stop();
  }
});

async function verified(
  release: string,
  rebuild = 'berta',
  known: Builders | null = builders,
): Promise<Map<string, Step>> {
  const steps = new Map<string, Step>();
  const sound = await verifyRelease({
    release: at(release),
    rebuild: at(rebuild),
    ...(known === null ? {} : { builders: known }),
    repository: REPOSITORY,
    makeIso: sampleIso,
    report: (step) => steps.set(step.step, step),
  });
  assert.equal(
    sound,
    [...steps.values()].every(({ result }) => result !== 'fails'),
  );
  return steps;
}

const failing = (steps: Map<string, Step>) =>
  [...steps.values()].filter(({ result }) => result === 'fails').map(({ step, detail }) => `${step}: ${detail}`);

test('a stranger who rebuilds confirms the release, byte for byte', async () => {
  const steps = await verified('release');
  assert.equal(steps.size, 8);
  assert.deepEqual(failing(steps), []);
  assert.equal(steps.get('two known builders agree')?.detail, 'anna and berta');
  const alone = await verified('release', 'berta', null);
  assert.equal(alone.get('two known builders agree')?.result, 'skipped');
  assert.deepEqual(failing(alone), []);
});

test('whatever is not as published is found, and said', async () => {
  const changed = async (file: string, change: (content: Buffer) => Buffer, sums = true) => {
    cpSync(at('release'), at('changed'), { recursive: true });
    writeFileSync(at('changed', file), change(readFileSync(at('changed', file))));
    if (sums) {
      const names = readdirSync(at('changed')).filter((name) => name !== 'SHA256SUMS');
      writeFileSync(at('changed', 'SHA256SUMS'), await run(['sha256sum', ...names], { cwd: at('changed') }));
    }
    const failed = failing(await verified('changed'));
    rmSync(at('changed'), { recursive: true });
    return failed;
  };
  const flip = (offset: number) => (content: Buffer) => {
    content[offset] = (content[offset] as number) ^ 1;
    return content;
  };
  const only = (failed: string[], expected: RegExp) => {
    assert.match(failed.join('\n'), expected);
  };
  only(await changed('lethe-0.2.0.iso', flip(70_000), false), /^the download is whole: lethe-0.2.0.iso is damaged/);
  only(
    await changed('lethe-0.2.0.iso', flip(70_000)),
    /^the medium is the published one, byte for byte: .* from byte 70000 on/,
  );
  only(
    await changed('uki.efi', flip(84_000)),
    /the rebuilt image is the one that was signed: uki.efi differs from byte 84000/,
  );
  only(await changed('uki.p7s', flip(900)), /with the published signature it is the signed image: .*certificate table/);
  only(
    await changed('uki.signed.efi', flip(84_000)),
    /the certificate in the keyring made the signature: no certificate/,
  );
  only(await changed('sbom.cdx.json', flip(500)), /^the bill of materials follows from the locks/);
  only(
    await changed('pcrs.json', (content) => Buffer.from(content.toString().replace(/("11": ").{8}/, '$100000000'))),
    /^the predicted PCRs follow from it: PCR 11 would be/,
  );
  only(
    await changed('pcrs.json', (content) => Buffer.from(content.toString().replace('0.2.0', '0.3.0'))),
    /speaks of another release/,
  );
  only(await changed('pcrs.json', () => Buffer.from('{}')), /pcrs.json: line 1: version: missing/);
  only(await changed('keyring.json', () => Buffer.from('{}')), /keyring.json: line 1: owner: missing/);
  only(await changed('statement-anna.json', flip(60)), /^two known builders agree: .*statement-anna.json/);
  only(await changed('SHA256SUMS', () => Buffer.from('nonsense'), false), /is not a list of sums/);
  only(await changed('SHA256SUMS', () => Buffer.from(`${'0'.repeat(64)}  gone\n`), false), /gone is missing/);
});

test('a rebuild that came to other bytes is told apart from the release', async () => {
  const failed = failing(await verified('release', 'carla'));
  assert.match(
    failed.join('\n'),
    /two known builders agree: your build.json, cmdline, uki.efi is not what anna and berta got/,
  );
  assert.match(
    failed.join('\n'),
    /the rebuilt image is the one that was signed: uki.efi differs from byte \d+ on \(headers, .cmdline\)/,
  );
  assert.match(failed.join('\n'), /PCR 4 would be/);
  rmSync(at('anna', 'uki.efi'));
  assert.match(failing(await verified('release', 'anna')).join('\n'), /uki.efi is not there/);
  await sampleBuild(at('anna'));
  const known = new Map([...builders].filter(([name]) => name === 'anna'));
  assert.match(failing(await verified('release', 'berta', known)).join('\n'), /there are not two statements/);
});

test('a revoked image stays the same image: only the keyring and PCR 7 change', async () => {
  const before = await signRelease(options('before'));
  const deps = { clock: systemClock, random: systemRandom };
  await revokeHash(deps, at('keys'), 'cd'.repeat(32));
  const later = await signRelease(options('after'));
  assert.equal(later.authenticode, before.authenticode);
  assert.notEqual(later.pcrs[7], before.pcrs[7]);
  assert.deepEqual([later.pcrs[4], later.pcrs[9], later.pcrs[11]], [before.pcrs[4], before.pcrs[9], before.pcrs[11]]);
  const image = program(at('before'));
  assert.deepEqual(await predictedPcrs(at('before'), image, readKeyring(at('keys'))), later, 'foretold without a PIN');
  assert.equal(new X509Certificate(readKeyring(at('keys')).db[0] as string).subject, 'CN=T release');
  assert.ok(lines.some((line) => line.includes('two builders agree')));
});
