"""Runs a program that sees folders of this machine at other paths, as a container sees its mount points.

It takes a mount namespace of its own, which root may have, and others where the kernel gives users namespaces. It is a
program, not imported: `python -IS mounted.py JSON PROGRAM ARGUMENT...`, where the JSON is a list of [folder, path,
whether it is read-only].
"""

import ctypes
import json
import os
import sys

# linux/sched.h and linux/mount.h.
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18

libc = ctypes.CDLL(None, use_errno=True)


def mount(source: str, target: str, flags: int, *, kind: str = "none") -> None:
    """Mount, as the system call of that name does."""
    if libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), None):
        raise OSError(ctypes.get_errno(), f"mount {source} at {target}: {os.strerror(ctypes.get_errno())}")


def leave_the_machines_mounts() -> None:
    """Take a mount namespace of one's own; without root, with a user namespace that gives the right to."""
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(CLONE_NEWNS if user == 0 else CLONE_NEWNS | CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "this machine gives no mount namespace, which volumes take")
    if user:
        for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    mount("none", "/", MS_REC | MS_PRIVATE)


def imitate(folder: str, at: str) -> None:
    """Mount at a path a folder of one's own that shows what this machine's `folder` holds."""
    held = os.open(folder, os.O_PATH)
    entries = [
        (entry.name, entry.is_dir(), os.readlink(entry.path) if entry.is_symlink() else None)
        for entry in os.scandir(folder)
    ]
    mount("none", at, 0, kind="tmpfs")
    for name, is_folder, link in entries:
        place = os.path.join(at, name)
        if link is not None:
            os.symlink(link, place)
            continue
        if is_folder:
            os.mkdir(place)
        else:
            os.close(os.open(place, os.O_CREAT))
        mount(f"/proc/self/fd/{held}/{name}", place, MS_BIND | MS_REC)
    os.close(held)


def make(root: str, path: str) -> str:
    """Return where below the new root a path is, made there if it is not."""
    there = root
    for name in path.strip("/").split("/"):
        place = os.path.join(there, name)
        if not os.path.isdir(place):
            if there != root:
                imitate(there, there)
            os.mkdir(place)
        there = place
    return there


def main() -> None:
    """Mount, and become the program."""
    mounts, *command = sys.argv[1:]
    home = os.getcwd()
    leave_the_machines_mounts()
    root = os.path.join(home, ".root")
    os.makedirs(root, exist_ok=True)
    imitate("/", root)
    for folder, path, read_only in json.loads(mounts):
        place = make(root, path)
        mount(folder, place, MS_BIND | MS_REC)
        if read_only:
            mount("none", place, MS_BIND | MS_REMOUNT | MS_RDONLY)
    os.chroot(root)
    os.chdir(home)
    os.execv(command[0], command)


main()
