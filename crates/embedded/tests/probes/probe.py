"""Tries to reach what a program in a sandbox must not reach. Prints one line for each try: its name, `blocked` or `open`,
and what was seen.

Arguments: the port of a listener on the host's loopback, the name of its abstract socket, the id of a process of the host,
a text that only the host's environment and files hold, a file of the host with that text, `root` or `user` for who runs
the sandbox, and the names of the tries to make, parted by commas; without names all are made.
"""

import ctypes
import glob
import os
import platform
import socket
import struct
import sys

# Before anything here opens a file; the listing itself holds one.
DESCRIPTORS = [fd for fd in os.listdir("/proc/self/fd") if int(fd) > 2]
PORT, ABSTRACT, HOST_PID, SECRET, SECRET_FILE = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5]
# A user's own map shows the user as its own parent does; only what root runs can be root.
HOST_IS_ROOT = sys.argv[6] == "root"
CHOSEN = sys.argv[7].split(",") if sys.argv[7:] else None

NUMBERS = {
    "x86_64": {
        "add_key": 248, "bpf": 321, "chmod": 90, "clone": 56, "clone3": 435, "finit_module": 313, "fsopen": 430,
        "io_uring_setup": 425, "ioctl": 16, "kexec_load": 246, "keyctl": 250, "mount": 165, "open_by_handle_at": 304,
        "perf_event_open": 298, "personality": 135, "pidfd_getfd": 438, "pidfd_open": 434, "pivot_root": 155,
        "process_vm_readv": 310, "ptrace": 101, "reboot": 169, "setns": 308, "swapon": 167, "syslog": 103,
        "unshare": 272, "userfaultfd": 323,
    },
    "aarch64": {
        "add_key": 217, "bpf": 280, "clone": 220, "clone3": 435, "finit_module": 273, "fsopen": 430,
        "io_uring_setup": 425, "ioctl": 29, "kexec_load": 104, "keyctl": 219, "mount": 40, "open_by_handle_at": 265,
        "perf_event_open": 241, "personality": 92, "pidfd_getfd": 438, "pidfd_open": 434, "pivot_root": 41,
        "process_vm_readv": 270, "ptrace": 117, "reboot": 142, "setns": 268, "swapon": 224, "syslog": 116,
        "unshare": 97, "userfaultfd": 282,
    },
}[platform.machine()]
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
SIGCHLD = 17
LIBC = ctypes.CDLL(None, use_errno=True)
PROBES = []


def probe(function):
    """A try. It got through if it returns anything; an error of the system is a block."""
    PROBES.append(function)
    return function


def call(name, *arguments):
    """Makes a system call and fails as the kernel says."""
    result = LIBC.syscall(ctypes.c_long(NUMBERS[name]), *(
        ctypes.c_long(argument) if isinstance(argument, int) else argument for argument in arguments
    ))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return f"{name} gave {result}"


def read(path, size=4096):
    with open(path, "rb") as file:
        return file.read(size)


def write(path, content=b"x"):
    with open(path, "wb") as file:
        # A file that is hidden under /dev/null takes everything and does nothing.
        if os.fstat(file.fileno()).st_rdev == os.makedev(1, 3):
            raise OSError(0, f"{path} is hidden")
        file.write(content)
    return f"wrote {path}"


def names(path):
    """What a directory holds; one that is there and empty tells nothing."""
    return os.listdir(path) or None


def in_child(function):
    """Runs in a process of its own what would change or end this one."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            seen = function()
        except OSError:
            seen = None
        os.write(writer, str(seen or "").encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as file:
        return file.read() or None


# ---- files of the host

@probe
def etc_shadow():
    return read("/etc/shadow")


@probe
def etc_passwd_of_the_host():
    people = [line for line in read("/etc/passwd", 1 << 20).splitlines() if b":/home/" in line or b"/bin/bash" in line]
    return people or None


@probe
def home():
    return names("/home")


@probe
def root_home():
    return names("/root")


@probe
def ssh_keys():
    return glob.glob("/root/.ssh/*") + glob.glob("/home/*/.ssh/*") + glob.glob("/etc/ssh/*key*") or None


@probe
def file_of_the_caller():
    return read(SECRET_FILE)


@probe
def temporary_files_of_the_host():
    return names("/tmp")


@probe
def engine_sockets():
    found = [path for path in ("/var/run/docker.sock", "/run/docker.sock", "/run/podman", "/run/user", "/run/systemd",
                               "/run/dbus", "/var/run", "/run/containerd") if os.path.exists(path) and names(path)]
    return found or None


@probe
def system_directories():
    found = [path for path in ("/var/lib", "/var/log", "/var/spool", "/var/mail", "/var/tmp", "/opt", "/srv", "/boot", "/mnt",
                               "/media") if os.path.exists(path) and names(path)]
    return found or None


@probe
def symlink_in_the_workspace():
    os.symlink("/etc/shadow", "/workspace/link")
    return read("/workspace/link")


@probe
def above_the_workspace():
    return [name for name in os.listdir("/workspace/..") if name not in os.listdir("/")] or None


@probe
def handles():
    return call("open_by_handle_at", -100, ctypes.create_string_buffer(b"\x08\0\0\0\x01\0\0\0" + b"\x02" + b"\0" * 7), 0)


# ---- writing

@probe
def write_root():
    return write("/written")


@probe
def write_usr():
    return write("/usr/written")


@probe
def write_etc():
    return write("/etc/passwd")


@probe
def sysctl():
    return write("/proc/sys/kernel/core_pattern", b"core")


@probe
def sysrq():
    return write("/proc/sysrq-trigger", b"h")


@probe
def setuid_file():
    write("/workspace/program")
    os.chmod("/workspace/program", 0o6755)
    return oct(os.stat("/workspace/program").st_mode)


@probe
def setuid_program():
    marked = [path for path in ("/usr/bin/su", "/usr/bin/mount", "/usr/bin/passwd", "/usr/bin/sudo")
              if os.path.exists(path) and os.stat(path).st_mode & 0o4000]
    is_inert = os.statvfs("/usr").f_flag & os.ST_NOSUID and "NoNewPrivs:\t1" in read("/proc/self/status").decode()
    return None if is_inert else marked or None


# ---- the network

@probe
def loopback_of_the_host():
    return socket.create_connection(("127.0.0.1", PORT), 2)


@probe
def abstract_socket():
    return socket.socket(socket.AF_UNIX).connect("\0" + ABSTRACT) or "connected"


@probe
def devices_of_the_network():
    return [name for _, name in socket.if_nameindex()
            if name != "lo" and not name.startswith(("tunl", "sit", "gre", "erspan", "ip_vti", "ip6"))] or None


@probe
def way_out():
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("192.0.2.1", 53)) or "routed"


@probe
def machine_socket():
    return socket.socket(40, socket.SOCK_STREAM)


@probe
def crypto_socket():
    return socket.socket(38, socket.SOCK_SEQPACKET)


# ---- processes

@probe
def processes_of_the_host():
    seen = [pid for pid in os.listdir("/proc") if pid.isdigit()]
    # The main program and this one.
    return seen if len(seen) > 2 else None


@probe
def signal_to_the_host():
    return os.kill(HOST_PID, 0) or "signalled"


@probe
def secrets_of_processes():
    for path in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline"):
        try:
            if int(path.split("/")[2]) != os.getpid() and SECRET.encode() in read(path, 1 << 20):
                return path
        except OSError:
            pass
    return None


@probe
def environment():
    expected = {"PATH", "HOME", "LANG", "HOSTNAME", "LC_CTYPE"}
    return set(os.environ) - expected or None


@probe
def trace_the_first_process():
    return call("ptrace", 16, 1, 0, 0)


@probe
def memory_of_the_first_process():
    buffer = ctypes.create_string_buffer(8)
    local = struct.pack("PP", ctypes.addressof(buffer), 8)
    remote = struct.pack("PP", 0x400000, 8)
    return call("process_vm_readv", 1, ctypes.c_char_p(local), 1, ctypes.c_char_p(remote), 1, 0)


@probe
def descriptors_of_the_first_process():
    descriptor = int(call("pidfd_open", 1, 0).rsplit(" ", 1)[1])
    return call("pidfd_getfd", descriptor, 0, 0)


@probe
def inherited_descriptors():
    return DESCRIPTORS if len(DESCRIPTORS) > 1 else None


@probe
def terminal():
    return os.open("/dev/tty", os.O_RDWR)


def typed(request):
    for descriptor in (0, 1, 2):
        try:
            call("ioctl", descriptor, request, ctypes.create_string_buffer(b"x"))
            return "typed"
        except PermissionError:
            pass
    return None


@probe
def type_into_the_terminal():
    return typed(0x5412)


@probe
def type_with_hidden_bits():
    return typed(0x1_0000_5412)


# ---- rights

@probe
def capabilities():
    status = read("/proc/self/status").decode()
    held = [line for line in status.splitlines() if line.startswith("Cap") and int(line.split()[1], 16)]
    return held or None


@probe
def host_root():
    inside, outside, count = map(int, read("/proc/self/uid_map").split()[:3])
    return outside <= 0 < outside + count and HOST_IS_ROOT and (inside, outside, count) or None


@probe
def become_root():
    return in_child(lambda: os.setuid(0) or os.getuid() == 0 and "uid 0" or None)


@probe
def change_root():
    return in_child(lambda: os.chroot("/tmp") or "changed")


@probe
def mount():
    return call("mount", ctypes.c_char_p(b"t"), ctypes.c_char_p(b"/tmp"), ctypes.c_char_p(b"tmpfs"), 0, 0)


@probe
def mount_by_descriptor():
    return call("fsopen", ctypes.c_char_p(b"tmpfs"), 0)


@probe
def pivot_root():
    return call("pivot_root", ctypes.c_char_p(b"/"), ctypes.c_char_p(b"/tmp"))


@probe
def unshare_user():
    return in_child(lambda: call("unshare", CLONE_NEWUSER))


@probe
def unshare_mounts():
    return in_child(lambda: call("unshare", CLONE_NEWNS))


@probe
def clone_user():
    result = LIBC.syscall(ctypes.c_long(NUMBERS["clone"]), ctypes.c_long(CLONE_NEWUSER | SIGCHLD), 0, 0, 0, 0)
    if result == 0:
        os._exit(0)
    if result < 0:
        raise OSError(ctypes.get_errno(), "clone")
    return "cloned"


@probe
def clone3_user():
    arguments = struct.pack("11Q", CLONE_NEWUSER, 0, 0, 0, SIGCHLD, 0, 0, 0, 0, 0, 0)
    result = LIBC.syscall(ctypes.c_long(NUMBERS["clone3"]), ctypes.c_char_p(arguments), ctypes.c_long(88))
    if result == 0:
        os._exit(0)
    if result < 0:
        raise OSError(ctypes.get_errno(), "clone3")
    return "cloned"


@probe
def enter_namespace():
    return call("setns", os.open("/proc/self/ns/uts", os.O_RDONLY), 0)


# ---- the kernel

@probe
def keyctl():
    return call("keyctl", 0, -3, 0)


@probe
def add_key():
    return call("add_key", ctypes.c_char_p(b"user"), ctypes.c_char_p(b"name"), ctypes.c_char_p(b"x"), 1, -3)


@probe
def proc_keys():
    return read("/proc/keys") or None


@probe
def kernel_memory():
    return read("/proc/kcore", 64) or None


@probe
def physical_memory():
    return os.open("/dev/mem", os.O_RDONLY)


@probe
def kernel_log():
    for path in ("/dev/kmsg", "/proc/kmsg"):
        try:
            seen = os.read(os.open(path, os.O_RDONLY | os.O_NONBLOCK), 64)
        except OSError:
            continue
        # A file that something empty is mounted over gives nothing.
        if seen:
            return seen
    return call("syslog", 3, ctypes.create_string_buffer(64), 64)


@probe
def disk():
    os.mknod("/tmp/disk", 0o060600, os.makedev(8, 0))
    return os.open("/tmp/disk", os.O_RDONLY)


@probe
def disks_of_the_host():
    return glob.glob("/dev/[shv]d[a-z]*") + glob.glob("/dev/nvme*") + glob.glob("/dev/loop*") or None


@probe
def sys_filesystem():
    return names("/sys")


@probe
def bpf():
    return call("bpf", 0, ctypes.create_string_buffer(struct.pack("IIII", 2, 4, 4, 1)), 16)


@probe
def perf():
    return call("perf_event_open", ctypes.create_string_buffer(struct.pack("II", 1, 112) + b"\0" * 104), 0, -1, -1, 0)


@probe
def io_uring():
    return call("io_uring_setup", 4, ctypes.create_string_buffer(120))


@probe
def userfaultfd():
    return call("userfaultfd", 1)


@probe
def unsafe_personality():
    return call("personality", 0x0040000)


@probe
def kernel_module():
    return call("finit_module", 0, ctypes.c_char_p(b""), 0)


@probe
def kexec():
    return call("kexec_load", 0, 0, 0, 0)


@probe
def swap():
    return call("swapon", ctypes.c_char_p(b"/tmp/swap"), 0)


@probe
def mount_sources():
    """The kernel tells where a mounted directory lies on its own disk."""
    line = next(line for line in read("/proc/self/mountinfo", 1 << 20).decode().splitlines() if " /workspace " in line)
    source = line.split(" ")[3]
    return source != "/" and source or None


for attempt in PROBES:
    if CHOSEN and attempt.__name__ not in CHOSEN:
        continue
    try:
        seen = attempt()
    except (OSError, ValueError) as error:
        seen, blocked = error, True
    else:
        blocked = seen is None
    print(attempt.__name__, "blocked" if blocked else "open", repr(seen)[:100])
