// SPDX-License-Identifier: AGPL-3.0-or-later

/** An option with which ANSSI-BP-028 (2.0) wants a kernel compiled, and what Debian's was compiled with. */
export interface KernelOption {
  /** Number of the recommendation. */
  readonly id: string;
  readonly name: string;
  /** `y`, `n` or a value, as the standard wants it. */
  readonly wanted: string;
  /** What Debian's kernel has, where that is something else, and what is in its place. */
  readonly instead: { readonly is: string; readonly why: string } | undefined;
}

type Wish = readonly [name: string, wanted: string] | readonly [name: string, wanted: string, is: string, why: string];

function options(id: string, ...wishes: readonly Wish[]): KernelOption[] {
  return wishes.map(([name, wanted, is, why]) => ({
    id,
    name,
    wanted,
    instead: is === undefined || why === undefined ? undefined : { is, why },
  }));
}

const LOCKED_DOWN = 'lockdown=confidentiality closes it';
const NO_PLUGINS =
  "Debian compiles without the compiler's plugins; a kernel of our own would have modules that nobody signed";
const SLOW = 'a check for those who write kernels; what an attacker corrupts most, lists, is checked';

/** Every option is read from the configuration in the locked kernel package. */
export const KERNEL_OPTIONS: readonly KernelOption[] = [
  ...options(
    'ANSSI R15',
    ['STRICT_KERNEL_RWX', 'y'],
    ['DEBUG_WX', 'y'],
    ['DEBUG_FS', 'n', 'y', 'debugfs=off on the command line'],
    ['STACKPROTECTOR', 'y'],
    ['STACKPROTECTOR_STRONG', 'y'],
    ['SCHED_STACK_END_CHECK', 'y'],
    ['HARDENED_USERCOPY', 'y'],
    ['VMAP_STACK', 'y'],
    ['FORTIFY_SOURCE', 'y'],
    ['ACPI_CUSTOM_METHOD', 'n'],
    ['DEVMEM', 'n', 'y', LOCKED_DOWN],
    ['STRICT_DEVMEM', 'y'],
    ['PROC_KCORE', 'n', 'y', LOCKED_DOWN],
    ['COMPAT_VDSO', 'n'],
    ['SECURITY_DMESG_RESTRICT', 'y'],
    ['RETPOLINE', 'y'],
    ['LEGACY_VSYSCALL_NONE', 'y'],
    ['LEGACY_VSYSCALL_XONLY', 'n'],
    ['X86_VSYSCALL_EMULATION', 'n', 'y', 'vsyscall=none on the command line'],
  ),
  ...options(
    'ANSSI R16',
    ['DEBUG_CREDENTIALS', 'y', 'n', SLOW],
    ['DEBUG_NOTIFIERS', 'y', 'n', SLOW],
    ['DEBUG_LIST', 'y'],
    ['DEBUG_SG', 'y', 'n', SLOW],
    ['BUG_ON_DATA_CORRUPTION', 'y'],
  ),
  ...options(
    'ANSSI R17',
    ['SLAB_FREELIST_RANDOM', 'y'],
    ['SLAB_FREELIST_HARDENED', 'y'],
    ['SLAB_MERGE_DEFAULT', 'n', 'y', 'slab_nomerge on the command line'],
    ['SLUB_DEBUG', 'y'],
    ['PAGE_POISONING', 'y', 'n', 'init_on_free=1 on the command line writes zeros instead'],
    ['COMPAT_BRK', 'n'],
  ),
  ...options(
    'ANSSI R18',
    ['STRICT_MODULE_RWX', 'y'],
    ['MODULE_SIG', 'y'],
    ['MODULE_SIG_FORCE', 'y', 'n', 'module.sig_enforce=1 on the command line'],
    ['MODULE_SIG_HASH', '"sha512"', '"sha256"', "Debian's choice, and enough"],
  ),
  ...options(
    'ANSSI R19',
    ['BUG', 'y'],
    ['PANIC_ON_OOPS', 'y', 'n', 'kernel.panic_on_oops=1'],
    ['PANIC_TIMEOUT', '-1', '0', 'panic=5 on the command line'],
  ),
  ...options('ANSSI R20', ['SECCOMP', 'y'], ['SECCOMP_FILTER', 'y'], ['SECURITY', 'y'], ['SECURITY_YAMA', 'y']),
  ...options(
    'ANSSI R21',
    ['GCC_PLUGIN_LATENT_ENTROPY', 'y', 'n', NO_PLUGINS],
    ['GCC_PLUGIN_STACKLEAK', 'y', 'n', NO_PLUGINS],
    ['GCC_PLUGIN_STRUCTLEAK', 'y', 'n', NO_PLUGINS],
    ['GCC_PLUGIN_RANDSTRUCT', 'y', 'n', NO_PLUGINS],
  ),
  ...options('ANSSI R22', ['SYN_COOKIES', 'y']),
  ...options(
    'ANSSI R23',
    ['KEXEC', 'n', 'y', 'kernel.kexec_load_disabled=1'],
    ['HIBERNATION', 'n', 'y', LOCKED_DOWN],
    ['BINFMT_MISC', 'n', 'm', 'the module is not in the image'],
    ['LEGACY_PTYS', 'n'],
  ),
  ...options(
    'ANSSI R25',
    ['DEFAULT_MMAP_MIN_ADDR', '65536'],
    ['RANDOMIZE_BASE', 'y'],
    ['RANDOMIZE_MEMORY', 'y'],
    ['PAGE_TABLE_ISOLATION', 'y'],
    ['IA32_EMULATION', 'n', 'y', 'SystemCallArchitectures=native in every unit of ours'],
    ['MODIFY_LDT_SYSCALL', 'n', 'y', "Debian keeps it for old programs; it reaches a program's own memory alone"],
  ),
];

/** The value of an option in a kernel's configuration; what is not there is `n`. */
export function valueOf(configuration: string, name: string): string {
  return new RegExp(`^CONFIG_${name}=(.*)$`, 'm').exec(configuration)?.[1] ?? 'n';
}
