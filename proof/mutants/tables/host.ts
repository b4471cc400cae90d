// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Table } from '../mutant.ts';

export const HOST: Table = {
  'src/host/files/give.os.ts': [["'-P', '--no-dereference', `--from=${owner}`", "'-P', '--no-dereference'"]],
  'src/host/files/replace.os.ts': [
    ["openSync(unfinished, 'wx', 0o600)", "openSync(unfinished, 'w', 0o666)"],
    ['fchmodSync(file, mode);', ''],
    ['if (!/^\\d+$/.test(writer)) continue;', ''],
    ['rmSync(unfinished, { force: true });', ''],
  ],
  'src/host/files/untrusted.os.ts': [
    ['constants.O_NOFOLLOW |', ''],
    ['&& found.size <= limit', ''],
  ],
  'src/host/listening/crowd.ts': [
    ['open >= perSource', 'open > perSource'],
    ['if (stranger && this.#strangers >= strangers) return undefined;', ''],
    ['if (stranger) this.#strangers -= 1;', ''],
    ['.slice(0, 4)', ''],
  ],
  'src/host/listening/listening.os.ts': [
    ["minVersion: 'TLSv1.3'", "minVersion: 'TLSv1.2'"],
    ['if (leave === undefined) socket.destroy();', 'if (leave === undefined) return;'],
  ],
  'src/host/packages/install.os.ts': [
    ["if (createHash('sha512').update(bytes).digest('base64') !== sha512)", 'if (false)'],
    ["  await command(['find', folder, '-type', 'l', '-delete']);\n", ''],
    ["go-w'", "go+w'"],
  ],
  'src/host/processes/filter.c': [
    ['SYS_ptrace, ', ''],
    ['SYS_unshare, ', ''],
    ['SYS_bpf,', ''],
    ['    SYS_io_uring_setup, ', '    '],
    ['    when(SYS_clone3);\n    answer_error(ENOSYS);\n', ''],
    ['AF_NETLINK, AF_PACKET}', 'AF_NETLINK, AF_PACKET, AF_VSOCK}'],
    ['CLONE_NEWUSER | ', ''],
    ['add(BPF_JMP | BPF_JGT | BPF_K, 0, 1, NEWEST);\n    answer_error(ENOSYS);', ''],
  ],
  'src/host/processes/privileges.os.ts': [
    ['process.setgroups([]);', ''],
    ['process.setgid(user.gid);\n', ''],
    [
      'if (user === undefined) return { problem',
      'if (user === undefined) return undefined; if (false) return { problem',
    ],
  ],
  'src/host/processes/process.os.ts': [
    ["return ['setpriv', '--pdeathsig=KILL',", "return ['setpriv',"],
    ["['-all', ...rights", "['+all', ...rights"],
    [", '--clear-groups'];", ", '--keep-groups'];"],
    ["return ['--no-new-privs', ...keeps,", 'return [...keeps,'],
    [', `--bounding-set=${kept}`]', ']'],
    ['.slice(-KEPT)', ''],
  ],
};
