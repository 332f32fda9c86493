"""Clean Debian roots, what they see of this machine, and commands started in them."""

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

RELEASE = "bookworm"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What the official Swift image for this release has installed beside the toolchain.
SWIFT_PACKAGES = (
    "binutils ca-certificates gcc git libcurl4-openssl-dev libedit-dev libicu-dev libncurses-dev libpython3-dev libsqlite3-dev "
    "libstdc++-12-dev libxml2-dev pkg-config tzdata uuid-dev"
).split()


def die(what: str):
    sys.exit(f"chroot: {what}")


def say(what: str):
    print(what, flush=True)


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, **options)


def copy_tree(source: Path, to: Path):
    run("cp", "-a", "--reflink=auto", source, to)


def remove(folder: Path):
    """Never through a mount: one of them shows this machine's toolchain."""
    if any(line.split()[4].startswith(f"{folder.resolve()}/") for line in Path("/proc/self/mountinfo").open()):
        die(f"{folder} has mounts; left alone")
    shutil.rmtree(folder, ignore_errors=True)


def start(root: Path, command: list[str], environment: dict, user=(0, 0), folder="/", **options):
    """Runs a command with this root, user and folder; of this process's environment nothing is handed on."""

    def enter():
        os.chroot(root)
        os.chdir(folder)
        os.setgroups([])
        os.setgid(user[1])
        os.setuid(user[0])

    environment = {"PATH": PATH, "HOME": "/root"} | environment
    found = shutil.which(command[0], path=":".join(f"{root}{part}" for part in environment["PATH"].split(":")))
    command = [found.removeprefix(str(root)) if found else command[0], *command[1:]]
    return subprocess.run(command, env=environment, preexec_fn=enter, stdin=subprocess.DEVNULL, text=True, **options)


class Mounts:
    """What a root sees while something runs in it, and no longer: the usual devices, and what is shown of this machine."""

    def __init__(self, root: Path):
        self.root, self.made = root, []

    def __enter__(self):
        self.mount("/proc", "-t", "proc", "proc")
        self.mount("/dev", "-t", "tmpfs", "-o", "mode=755", "tmpfs")
        for name in ("null", "zero", "full", "random", "urandom", "tty"):
            self.show(Path("/dev") / name, writable=True)
        self.mount("/dev/shm", "-t", "tmpfs", "-o", "mode=1777", "tmpfs")
        for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
            (self.root / "dev" / name).symlink_to(f"/proc/self/fd{target}")
        return self

    def __exit__(self, *_):
        for point in reversed(self.made):
            run("umount", "--lazy", point)

    def mount(self, at: str, *options):
        point = self.root / at.lstrip("/")
        point.mkdir(parents=True, exist_ok=True)
        run("mount", *options, point)
        self.made.append(point)

    def show(self, path: Path, at: str | None = None, writable=False):
        """This machine's file or folder, in the same place unless said otherwise."""
        point = self.root / str(at or path).lstrip("/")
        point.parent.mkdir(parents=True, exist_ok=True)
        point.mkdir(exist_ok=True) if path.is_dir() else point.touch()
        run("mount", "--bind", path, point)
        self.made.append(point)
        if not writable:
            run("mount", "-o", "remount,bind,ro", point)


class Machine:
    """What of this machine stands in for the Swift image, or is needed to reach package registries from a root."""

    def __init__(self, work: Path, prebuilt: Path | None):
        swift = shutil.which("swift") or die("no swift on the PATH")
        self.toolchain = Path(swift).resolve().parents[1]
        self.work, self.prebuilt, self.log = work, prebuilt, work / "log"
        git = subprocess.run(["git", "config", "--list"], cwd="/", capture_output=True, text=True).stdout.splitlines()
        # Mirrors of Swift packages on this machine: url.FOLDER.insteadof=ADDRESS.
        pairs = [line.removeprefix("url.").split(".insteadof=", 1) for line in git if line.startswith("url./")]
        self.mirrors = [(Path(folder), address) for folder, address in pairs]
        names = ("http_proxy", "https_proxy", "no_proxy", "PIP_INDEX_URL")
        self.environment = {name: os.environ[name] for name in names if name in os.environ}
        # Where registries are reached through something with a certificate of its own.
        self.certificates = Path(os.environ["PIP_CERT"]) if "PIP_CERT" in os.environ else None
        if self.certificates:
            self.environment |= dict.fromkeys(("PIP_CERT", "GIT_SSL_CAINFO"), "/run/machine/certificates")

    def swift_path(self) -> str:
        return "/run/machine/bin:" * bool(self.prebuilt) + f"{self.toolchain}/bin:{PATH}"

    def base(self, name: str, packages: list[str]) -> Path:
        """A clean root with these packages, made once."""
        root = self.work / "base" / name
        if root.exists():
            return root
        part = root.with_suffix(".part")
        remove(part)
        part.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("a") as log:
            if packages:
                copy_tree(self.base("debian", []), part)
                say(f"  with the packages of the Swift image ({len(packages)})")
                with self.around(part, swift=False):
                    for words in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
                        environment = {"DEBIAN_FRONTEND": "noninteractive"} | self.environment
                        start(part, ["apt-get", *words], environment, stdout=log, stderr=log).check_returncode()
            else:
                say(f"  making a clean Debian {RELEASE}")
                run("debootstrap", "--variant=minbase", RELEASE, part, stdout=log, stderr=log)
                # As in the official image: no package file is kept.
                (part / "etc/apt/apt.conf.d/docker-clean").write_text(
                    'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb"; };\n'
                    'Dir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\n'
                )
        for folder in ("var/cache/apt/archives", "var/lib/apt/lists"):
            remove(part / folder)
        part.rename(root)
        return root

    @contextlib.contextmanager
    def around(self, root: Path, swift: bool):
        """While a step runs: name servers, certificates, and with `swift` the toolchain."""
        with Mounts(root) as mounts:
            mounts.show(Path("/etc/resolv.conf").resolve(), at="/etc/resolv.conf")
            mounts.mount("/run", "-t", "tmpfs", "tmpfs")
            if self.certificates:
                mounts.show(self.certificates, at="/run/machine/certificates")
            if swift:
                mounts.show(self.toolchain)
                self._show_mirrors(mounts)
                if self.prebuilt:
                    self._stand_in(mounts)
            yield

    def _show_mirrors(self, mounts: Mounts):
        for folder in {folder for folder, _ in self.mirrors}:
            mounts.show(folder)
        lines = [f'[url "{folder}/"]\n\tinsteadOf = {address}\n' for folder, address in self.mirrors]
        (mounts.root / "etc/gitconfig").write_text("".join(["[safe]\n\tdirectory = *\n", *lines]))

    def _stand_in(self, mounts: Mounts):
        """A `swift` before the toolchain's on the PATH, whose `build` copies a command."""
        mounts.show(self.prebuilt, at="/run/machine/starling")
        script = mounts.root / "run/machine/bin/swift"
        script.parent.mkdir(parents=True)
        script.write_text(
            f'#!/bin/sh\n[ "$1" = build ] || exec {self.toolchain}/bin/swift "$@"\n'
            "mkdir -p .build/release && cp /run/machine/starling .build/release/starling\n"
        )
        script.chmod(0o755)
