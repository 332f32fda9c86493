"""Carries out the steps of a Dockerfile in roots."""

import copy
import os
import shutil
import time
from pathlib import Path

import dockerfile
from roots import PATH, RELEASE, SWIFT_PACKAGES, Machine, copy_tree, die, remove, run, say, start


class Image:
    """A root in the making: its tree, and what the Dockerfile says of how it is used."""

    def __init__(self, root: Path, path: str, swift=False):
        self.root, self.environment, self.swift = root, {"PATH": path}, swift
        self.arguments, self.folder, self.user = {}, "/", "0:0"
        self.shell, self.entrypoint, self.command, self.labels = ["/bin/sh", "-c"], [], [], {}

    def inside(self, path: str) -> Path:
        """Where a path of the image, absolute or from its folder, lies on this machine."""
        return self.root / os.path.normpath(os.path.join(self.folder, path)).lstrip("/")

    def ids(self) -> tuple[int, int]:
        user, _, group = self.user.partition(":")
        if not (user.isdigit() and group.isdigit()):
            raise dockerfile.Refused(f"USER {self.user}: only uid:gid is understood here")
        return int(user), int(group)

    def start(self, command: list[str], environment: dict, **options):
        accounts = (line.split(":") for line in (self.root / "etc/passwd").read_text().splitlines())
        home = next((account[5] for account in accounts if int(account[2]) == self.ids()[0]), "/")
        environment = {"HOME": home} | environment | self.environment
        return start(self.root, command, environment, self.ids(), self.folder, **options)


class Builder:
    def __init__(self, project: Path, file: Path, given: dict[str, str], machine: Machine):
        self.project, self.given, self.machine, self.images = project, given, machine, {}
        self.globals, self.stages = dockerfile.read(file.read_text(), given)
        self.ignore = file.with_name(file.name + ".dockerignore").read_text()
        self.context, self.log = machine.work / "context", machine.log

    def build(self) -> Image:
        remove(self.context)
        for file in dockerfile.context(self.project, self.ignore):
            (self.context / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self.project / file, self.context / file, follow_symlinks=False)
        for stage in self.stages:
            say(f"\nFROM {stage.base} AS {stage.name}")
            image = self.images[stage.name] = self.begin(stage)
            for step in stage.steps:
                begin = time.monotonic()
                flags = "".join(f"--{name}={value} " for name, value in step.flags.items())
                say(f"  {step.name} {flags + step.text if len(flags + step.text) < 110 else (flags + step.text)[:109] + '…'}")
                self.carry_out(step, image)
                if time.monotonic() - begin > 1:
                    say(f"      {time.monotonic() - begin:.0f} s")
        return image

    def begin(self, stage: dockerfile.Stage) -> Image:
        root = self.machine.work / "stages" / stage.name
        root.parent.mkdir(parents=True, exist_ok=True)
        if stage.base in self.images:
            image = copy.deepcopy(self.images[stage.base])
            # The tree of a stage that nothing else needs goes on as this one's.
            if sum(other.needs().count(stage.base) for other in self.stages) == 1:
                image.root.rename(root)
            else:
                copy_tree(image.root, root)
            image.root, image.arguments = root, {}
            return image
        if stage.base.startswith("swift:") and stage.base.endswith(f"-{RELEASE}"):
            say(f"  (its stand-in: Debian with this machine's {self.machine.toolchain})")
            copy_tree(self.machine.base("swift", SWIFT_PACKAGES), root)
            return Image(root, self.machine.swift_path(), swift=True)
        if stage.base == f"debian:{RELEASE}-slim":
            copy_tree(self.machine.base("debian", []), root)
            return Image(root, PATH)
        die(f"there is nothing to stand in for the image {stage.base}")

    def carry_out(self, step: dockerfile.Step, image: Image):
        def expanded(text: str) -> str:
            return dockerfile.expand(text, image.arguments | image.environment)

        match step.name:
            case "ARG":
                name, default, value = step.text.partition("=")
                value = self.given.get(name, expanded(value) if default else self.globals.get(name))
                if value is not None:
                    image.arguments[name] = value
            case "ENV":
                image.environment |= {name: expanded(value) for name, value in step.pairs().items()}
            case "LABEL":
                image.labels |= {name: expanded(value) for name, value in step.pairs().items()}
            case "WORKDIR":
                image.folder = os.path.normpath(os.path.join(image.folder, expanded(step.text)))
                image.inside(".").mkdir(parents=True, exist_ok=True)
            case "USER":
                image.user = expanded(step.text)
                image.ids()
            case "SHELL":
                image.shell = step.words()
            case "ENTRYPOINT":
                image.entrypoint, image.command = step.words(), []
            case "CMD":
                image.command = step.words()
            case "COPY":
                self.copy(step, image, [expanded(word) for word in step.text.split()])
            case "RUN":
                self.run(step, image)

    def copy(self, step: dockerfile.Step, image: Image, words: list[str]):
        """Files into a folder, or a folder's contents, owned by root."""
        *sources, to = words
        origin = self.images[step.flags["from"]].root if "from" in step.flags else self.context
        for name in sources:
            source, target = origin / name.strip("/"), image.inside(to)
            if not source.exists():
                step.refuse(f"{name} is not there")
            if source.is_dir():
                target.mkdir(parents=True, exist_ok=True)
                run("cp", "-rdT", "--preserve=mode,timestamps", source, target)
            else:
                target = target / source.name if to.endswith("/") or target.is_dir() else target
                target.parent.mkdir(parents=True, exist_ok=True)
                run("cp", "-dT", "--preserve=mode,timestamps", source, target)

    def run(self, step: dockerfile.Step, image: Image):
        if image.swift and self.machine.prebuilt and "swift build" in step.text:
            say(f"  !!! `swift build` IS NOT RUN: {self.machine.prebuilt} is copied instead")
        with self.machine.around(image.root, image.swift), self.log.open("a+") as log:
            log.write(f"\n## line {step.line}: RUN {step.text}\n")
            log.flush()
            begin = log.tell()
            environment = self.machine.environment | image.arguments
            done = image.start([*image.shell, step.text], environment, stdout=log, stderr=log)
            if done.returncode != 0:
                log.seek(begin)
                say("".join(log.readlines()[-40:]))
                die(f"line {step.line}: RUN ended with {done.returncode}; all output is in {self.log}")
