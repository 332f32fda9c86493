"""What deploy/chroot understands of a Dockerfile: the instructions that ours uses, and of those only the forms that it uses.

Anything else is refused, so that no step is left out in silence.
"""

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

KNOWN = {"ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "FROM", "LABEL", "RUN", "SHELL", "USER", "WORKDIR"}


class Refused(Exception):
    """The Dockerfile has something that is not understood here."""


@dataclass
class Step:
    line: int
    name: str
    flags: dict[str, str]
    text: str

    def refuse(self, why: str):
        raise Refused(f"line {self.line}: {self.name}: {why}: {self.text}")

    def words(self) -> list[str]:
        """Of CMD, ENTRYPOINT and SHELL, in their JSON form."""
        try:
            return json.loads(self.text)
        except json.JSONDecodeError:
            self.refuse("only a JSON list is understood here")

    def pairs(self) -> dict[str, str]:
        """Of ENV and LABEL, values not yet expanded."""
        words = shlex.split(self.text)
        if not all("=" in word for word in words):
            self.refuse("only name=value is understood here")
        return dict(word.split("=", 1) for word in words)


@dataclass
class Stage:
    base: str
    name: str
    steps: list[Step] = field(default_factory=list)

    def needs(self) -> list[str]:
        return [self.base, *(step.flags["from"] for step in self.steps if "from" in step.flags)]


def steps(text: str) -> list[Step]:
    """Instructions in order. Lines that end in a backslash are joined; comments go, those between such lines too."""
    found, parts, begin = [], [], 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#") or not (line.strip() or parts):
            continue
        begin = begin if parts else number
        parts.append(line.strip().removesuffix("\\"))
        if not line.rstrip().endswith("\\"):
            found.append(_step(begin, " ".join(parts)))
            parts = []
    if parts:
        raise Refused(f"line {begin}: the instruction has no end")
    return found


def _step(line: int, text: str) -> Step:
    name, _, rest = text.partition(" ")
    step = Step(line, name, {}, rest.strip())
    if name not in KNOWN:
        step.refuse("not understood here")
    while match := re.match(r"--([a-z]+)=(\S+)\s+", step.text):
        step.flags[match[1]], step.text = match[2], step.text[match.end() :]
        # Without a cache a step does the same, only slower.
        if not (name == "COPY" and match[1] == "from" or name == "RUN" and re.match("--mount=type=cache,", match[0])):
            step.refuse(f"{match[0].strip()} is not understood here")
    if step.text.startswith("--") or "<<" in step.text or (name == "RUN" and step.text.startswith("[")):
        step.refuse("this form is not understood here")
    return step


def expand(text: str, values: dict[str, str]) -> str:
    """$name and ${name}, which are empty if not set."""
    if "\\" in text or re.search(r"\$(?!\w|\{\w+\})", text):
        raise Refused(f"not understood here: {text}")
    return re.sub(r"\$(?:(\w+)|\{(\w+)\})", lambda found: values.get(found[1] or found[2], ""), text)


def read(text: str, given: dict[str, str]) -> tuple[dict[str, str], list[Stage]]:
    """The arguments before the first FROM, as given or by default, and the stages that the last one needs, in order."""
    arguments: dict[str, str] = {}
    stages: list[Stage] = []
    for step in steps(text):
        if step.name == "FROM":
            words = expand(step.text, arguments).split()
            if len(words) != 3 or words[1].upper() != "AS":
                step.refuse("only “image AS name” is understood here")
            stages.append(Stage(words[0], words[2]))
        elif stages:
            stages[-1].steps.append(step)
        elif step.name == "ARG":
            name, _, value = step.text.partition("=")
            arguments[name] = given.get(name, value)
        else:
            step.refuse("stands before the first FROM")
    wanted = {stages[-1].name}
    for stage in reversed(stages):
        if stage.name in wanted:
            wanted.update(stage.needs())
    return arguments, [stage for stage in stages if stage.name in wanted]


def context(folder: Path, ignore: str) -> list[Path]:
    """The files that the .dockerignore lets through: it excludes all, lists what comes in, then names that never do."""
    lines = [line for line in ignore.splitlines() if line and not line.startswith("#")]
    kept = [line[1:] for line in lines if line.startswith("!")]
    never = {line.removeprefix("**/") for line in lines[1:] if not line.startswith("!")}
    if lines[0] != "*" or lines[1 : len(kept) + 1] != ["!" + path for path in kept] or re.search(r"[*?/[]", "".join(never)):
        raise Refused("the .dockerignore has lines that are not understood here")
    found = []
    for path in (folder / name for name in kept):
        files = [path] if path.is_file() else sorted(path.rglob("*"))
        found += [file.relative_to(folder) for file in files if not file.is_dir()]
    return [file for file in found if not never & set(file.parts)]
