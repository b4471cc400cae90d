// SPDX-License-Identifier: AGPL-3.0-or-later
// Gets a gateway its secrets when it boots: `activation [--operator FILE] [--log FILE] [--root DIRECTORY]`. Ends with 0
// when everything is below /run/lethe, and with 3 when only another boot can help. `--prepare` only makes the keys of
// this boot, ahead of time; `--renew` only gets a new certificate; `--attest` only proves again what runs. TPM2TOOLS_TCTI
// says where the TPM is.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parseOperator } from '../src/contracts/activation/operator.ts';
import { systemClock } from '../src/core/clock/clock.ts';
import { systemRandom } from '../src/core/random/random.ts';
import { freshKeys } from '../src/gateway/boot/boot-keys.os.ts';
import { activate, attest, guestDirectory, renew } from '../src/gateway/boot/guest.os.ts';
import { Program } from '../src/host/program/program.os.ts';

const REBOOT = 3;
const program: Program = new Program('activation');
const random = systemRandom;

const { values } = parseArgs({
  options: {
    operator: { type: 'string', default: '/usr/lib/lethe/operator.json' },
    log: { type: 'string', default: '/sys/kernel/security/tpm0/binary_bios_measurements' },
    root: { type: 'string', default: '/' },
    prepare: { type: 'boolean', default: false },
    renew: { type: 'boolean', default: false },
    attest: { type: 'boolean', default: false },
  },
});
const { operator: file, log, root } = values;
// Directories are for all to enter; each file has a mode of its own.
process.umask(0o022);

if (values.prepare) {
  await freshKeys(guestDirectory(root), random);
  process.exit(0);
}
const operator = parseOperator(readFileSync(file, 'utf8'));
if ('problem' in operator) program.refuse(`${file}: ${operator.problem}`);
const tcti = process.env['TPM2TOOLS_TCTI'] ?? 'device:/dev/tpmrm0';
const work = values.renew ? renew : values.attest ? attest : activate;
const outcome = await work({ operator, tcti, log, root, journal: program.journal, clock: systemClock, random });
process.exit(outcome === 'done' ? 0 : REBOOT);
