"""How PostgreSQL is run when we are root: in a user namespace, or else as the user nobody.

No user is created and no folder of others is opened: what nobody cannot reach goes outside the checkout.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import pwd
import shutil
import subprocess
from pathlib import Path

from config.embedded.plan import Identity, ServicesError

CLONE_NEWUSER = 0x10000000
NAMESPACE_UID = 1000
SHARED_TEMPORARY = Path("/var/tmp")
OUTSIDE = Path("/var/lib/chipledger")


def leave_root(identity: Identity) -> None:
    """Become an ordinary user, between fork and exec; raises OSError when the kernel refuses."""
    match identity:
        case Identity.SAME:
            return
        case Identity.NAMESPACE:
            # The kernel still sees our own user, so files under a 0700 home stay readable.
            outer = os.geteuid()
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.unshare(CLONE_NEWUSER) != 0:
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number))
            Path("/proc/self/uid_map").write_text(f"{NAMESPACE_UID} {outer} 1\n", encoding="ascii")
        case Identity.NOBODY:
            nobody = pwd.getpwnam("nobody")
            os.setgroups([])
            os.setgid(nobody.pw_gid)
            os.setuid(nobody.pw_uid)


def can_run(program: Path, *, within: Path, identity: Identity) -> bool:
    """Whether that user can write into the folder and execute the program."""
    try:
        tried = subprocess.run(
            ["/bin/sh", "-c", 'cd "$0" && test -w . && exec "$1" --version', str(within), str(program)],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: leave_root(identity),
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return tried.returncode == 0


def choose_identity(program: Path, *, within: Path) -> Identity:
    """The user under which PostgreSQL can run here. Raises ServicesError when root has no way out."""
    if os.geteuid() != 0:
        return Identity.SAME
    if can_run(program, within=within, identity=Identity.NAMESPACE):
        return Identity.NAMESPACE
    if can_run(Path("/bin/sh"), within=SHARED_TEMPORARY, identity=Identity.NOBODY):
        return Identity.NOBODY
    raise ServicesError(
        "PostgreSQL refuses to run as root, and this machine allows neither a user namespace nor the user "
        "nobody. Run as an ordinary user, or set DATABASE_URL and REDIS_URL."
    )


def give_to_nobody(folder: Path) -> None:
    """Hand one of our own folders to the user nobody."""
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)


def _outside(name: str) -> Path:
    OUTSIDE.mkdir(mode=0o755, parents=True, exist_ok=True)
    OUTSIDE.chmod(0o755)
    return OUTSIDE / name


def data_for_nobody(data: Path) -> Path:
    """Where the cluster of a data folder inside the checkout lives when nobody must own it."""
    folder = _outside("embedded-" + hashlib.sha256(str(data).encode()).hexdigest()[:12])
    folder.mkdir(mode=0o700, exist_ok=True)
    give_to_nobody(folder)
    return folder


def programs_for_nobody(programs: Path) -> Path:
    """PostgreSQL programs that nobody can execute: those in the given folder, or a copy of them."""
    if can_run(programs / "postgres", within=SHARED_TEMPORARY, identity=Identity.NOBODY):
        return programs
    installation, package = programs.parent, programs.parent.parent
    built_at = (programs / "postgres").stat().st_mtime_ns
    stamp = hashlib.sha256(f"{programs} {built_at}".encode()).hexdigest()[:12]
    copy = _outside(f"postgresql-{stamp}")
    if not copy.exists():
        unfinished = copy.with_name(f"{copy.name}.{os.getpid()}")
        shutil.copytree(installation, unfinished / package.name / installation.name, symlinks=True)
        # The wheel's shared libraries lie beside its package and are found relative to the programs.
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
        _open_to_all(unfinished)
        try:
            unfinished.rename(copy)
        except OSError:
            shutil.rmtree(unfinished)  # another guardian was faster
    return copy / package.name / installation.name / "bin"


def _open_to_all(tree: Path) -> None:
    for folder, _, names in os.walk(tree):
        Path(folder).chmod(0o755)
        for path in (Path(folder, name) for name in names):
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
