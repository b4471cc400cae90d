// SPDX-License-Identifier: AGPL-3.0-or-later
//
// filter PROGRAM [ARGUMENT...]: becomes the program, for which the kernel refuses the system calls below for good, and
// for all that it starts. It is the last of the launchers: the program's user and rights are set already.
//
// Refused is what no program of ours has a use for and what bugs of kernels are reached by: other processes' memory,
// namespaces and mounts, modules, BPF, io_uring, the keyring, clocks, and families of sockets that no gateway speaks.
// A call that is newer than this list is said not to exist, as an older kernel would say. Numbers are those of x86-64;
// the two other ways into its kernel, with other numbers, are closed.

#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static const unsigned refused[] = {
    // Other processes.
    SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_process_madvise, SYS_kcmp, SYS_pidfd_getfd,
    SYS_perf_event_open, SYS_lookup_dcookie,
    // Namespaces, mounts, files by handle.
    SYS_unshare, SYS_setns, SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_open_tree, SYS_move_mount,
    SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_fspick, SYS_mount_setattr, SYS_name_to_handle_at,
    SYS_open_by_handle_at, SYS_mknod, SYS_mknodat, SYS_fanotify_init, SYS_fanotify_mark, SYS_quotactl,
    SYS_quotactl_fd, SYS_acct, SYS_swapon, SYS_swapoff,
    // The kernel itself.
    SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_kexec_file_load, SYS_reboot, SYS_bpf,
    SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_userfaultfd, SYS_syslog, SYS_iopl, SYS_ioperm,
    SYS_modify_ldt, SYS_add_key, SYS_request_key, SYS_keyctl, SYS_settimeofday, SYS_clock_settime, SYS_clock_adjtime,
    SYS_adjtimex, SYS_sethostname, SYS_setdomainname, SYS_vhangup, SYS_migrate_pages, SYS_move_pages,
    SYS_mbind, SYS_memfd_secret,
    // Forgotten ones.
    SYS__sysctl, SYS_uselib, SYS_ustat, SYS_sysfs, SYS_nfsservctl, SYS_vserver, SYS_create_module,
    SYS_get_kernel_syms, SYS_query_module, SYS_getpmsg, SYS_putpmsg, SYS_afs_syscall, SYS_tuxcall, SYS_security,
};

static const unsigned families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET};

#define NEWEST SYS_set_mempolicy_home_node
#define NEW_NAMESPACES \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

#define COUNT(list) (sizeof(list) / sizeof(list)[0])
#define DATA(field) ((unsigned)offsetof(struct seccomp_data, field))

static struct sock_filter code[32 + 2 * COUNT(refused) + 2 * COUNT(families)];
static unsigned short length;

static void add(unsigned short operation, unsigned char yes, unsigned char no, unsigned value) {
    code[length++] = (struct sock_filter){operation, yes, no, value};
}

static void answer(unsigned value) { add(BPF_RET | BPF_K, 0, 0, value); }
static void answer_error(unsigned error) { answer(SECCOMP_RET_ERRNO | error); }
static void load(unsigned offset) { add(BPF_LD | BPF_W | BPF_ABS, 0, 0, offset); }
/* The next step is taken when what was loaded is, or is not, this value. */
static void when(unsigned value) { add(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, value); }
static void unless(unsigned value) { add(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, value); }

static void build(void) {
    load(DATA(arch));
    unless(AUDIT_ARCH_X86_64);
    answer(SECCOMP_RET_KILL_PROCESS);
    load(DATA(nr));
    /* The x32 calls have a bit of their own, above all others. */
    add(BPF_JMP | BPF_JGT | BPF_K, 0, 1, NEWEST);
    answer_error(ENOSYS);
    /* Its flags are in memory, where no filter sees them; libraries then use clone. */
    when(SYS_clone3);
    answer_error(ENOSYS);
    for (unsigned i = 0; i < COUNT(refused); i += 1) {
        when(refused[i]);
        answer_error(EPERM);
    }
    /* Four steps that other calls than this one pass over. */
    add(BPF_JMP | BPF_JEQ | BPF_K, 0, 4, SYS_clone);
    load(DATA(args[0]));
    add(BPF_JMP | BPF_JSET | BPF_K, 0, 1, NEW_NAMESPACES);
    answer_error(EPERM);
    answer(SECCOMP_RET_ALLOW);
    add(BPF_JMP | BPF_JEQ | BPF_K, 0, 2 + 2 * COUNT(families), SYS_socket);
    load(DATA(args[0]));
    for (unsigned i = 0; i < COUNT(families); i += 1) {
        when(families[i]);
        answer(SECCOMP_RET_ALLOW);
    }
    answer_error(EAFNOSUPPORT);
    answer(SECCOMP_RET_ALLOW);
}

int main(int argc, char **argv) {
    struct sock_fprog program = {0, code};
    if (argc < 2) return 2;
    build();
    program.len = length;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        perror("filter");
        return 126;
    }
    execvp(argv[1], argv + 1);
    perror(argv[1]);
    return 127;
}
