// SPDX-License-Identifier: AGPL-3.0-or-later
import { chownSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { authorityFromPem } from '../../src/activator/keys.os.ts';
import { addressBytes } from '../../src/bytes/text/address.ts';
import { issueServerCertificate, oneDay } from '../../src/contracts/pki/authority.ts';
import type { OwnedFile } from '../../src/contracts/plan/files.ts';
import { freshKeys } from '../../src/gateway/boot/boot-keys.os.ts';
import { GUEST_OWNERS, guestFiles } from '../../src/gateway/boot/guest.ts';
import { run } from '../../src/host/processes/process.os.ts';
import { makeIso } from '../../src/image/build/iso.os.ts';
import { recipeOf } from '../../src/image/build/recipe.os.ts';
import { imageState, workshopFor } from '../../src/image/build/state.os.ts';
import { makeUki } from '../../src/image/build/uki.os.ts';
import type { BenchContext } from './bench.ts';
import type { ImageSite } from './image-site.os.ts';

/*
 * The same image for a machine that need not prove anything: kernel, command line, root image and initrd are the build's,
 * and a second archive behind the initrd (Documentation/driver-api/early-userspace/buffer-format.rst) brings everything
 * that an activator would have handed over. It is in /run before systemd starts, so nothing is fetched or copied later.
 */

const HAND_OVER = 'uptime=/new/proc/uptime';
/** What init does in the last moment before it hands over to systemd, which keeps a /run that is there. */
const PLACE = `$B mount -t tmpfs -o mode=0755,nosuid,nodev,noexec run /new/run
$B cp -a /given/. /new/run/
`;
/** Takes the activation's place. */
const STAND_IN = '[Unit]\nAssertPathExists=\n[Service]\nExecStart=\nExecStart=/usr/bin/true\nAppArmorProfile=\n';
/** Unused keys are not made. */
const NEVER = '[Unit]\nConditionPathExists=!/run\n';
const ARCHIVE = 'cd "$1" && find . | LC_ALL=C sort | cpio -o -H newc --quiet >"$2"';

/** Makes a medium that boots without Secure Boot and without a TPM, and serves as the site's gateway. */
export async function givenMedium(deps: BenchContext, site: ImageSite, build: string): Promise<string> {
  const work = join(site.directory, 'given');
  const tree = join(work, 'tree');
  mkdirSync(tree, { recursive: true });
  lay(tree, await handedOver(deps, site));
  const at = (name: string) => join(work, name);
  await run(['sh', '-euc', ARCHIVE, 'sh', tree, at('given.cpio')]);
  for (const name of ['vmlinuz', 'cmdline', 'os-release', 'uname']) copyFileSync(join(build, name), at(name));
  const initrd = readFileSync(join(build, 'initrd.zst'));
  // The kernel looks for the next archive where four bytes begin.
  const gap = Buffer.alloc(-initrd.length & 3);
  writeFileSync(at('initrd.zst'), Buffer.concat([initrd, gap, readFileSync(at('given.cpio'))]));
  await makeUki(await workshopFor(imageState(), join(build, 'tools.lock'), { work }), work);
  const iso = join(site.directory, 'given.iso');
  await makeIso(build, at('uki.efi'), iso);
  return iso;
}

/** What the activator would hand over, and what the machine would make of it. */
async function handedOver(deps: BenchContext, { directory, issuer, parameters }: ImageSite): Promise<OwnedFile[]> {
  const { random, clock } = deps;
  const keys = await freshKeys(directory, random);
  const { name, address4 } = parameters.plan;
  const subject = { name, addresses: [addressBytes(address4)], key: keys.server };
  const certificate = await issueServerCertificate(deps, authorityFromPem(issuer), subject, oneDay(clock));
  const token = random.bytes(32).toBase64({ alphabet: 'base64url', omitPadding: true });
  const bundle = { ...parameters, token, caCertificate: issuer.certificate, release: '0.0.0' };
  const nothing = new Uint8Array(0);
  const proven = { certificate, binding: nothing };
  return guestFiles({ bundle, bytes: nothing }, proven, keys, { random, owners: GUEST_OWNERS });
}

function lay(tree: string, files: readonly OwnedFile[]): void {
  const given = (path: string) => join(tree, 'given', path.replace('/run/', ''));
  const write = (path: string, content: string, mode = 0o644, { uid, gid } = { uid: 0, gid: 0 }) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content, { mode });
    chownSync(path, uid, gid);
  };
  for (const { path, content, mode, owner } of files) write(given(path), content, mode, owner);
  const units = { 'lethe-activation': STAND_IN, 'lethe-keys': NEVER };
  for (const [unit, drop] of Object.entries(units)) {
    write(given(`/run/systemd/system/${unit}.service.d/90-given.conf`), drop);
  }
  const init = readFileSync(join(recipeOf().directory, 'initrd/init'), 'utf8');
  if (!init.includes(HAND_OVER)) throw new Error('the initrd hands over in another way than this benchmark knows');
  write(join(tree, 'init'), init.replace(HAND_OVER, `${PLACE}${HAND_OVER}`), 0o755);
}
