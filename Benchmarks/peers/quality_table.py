"""The table of RMSEs, as text and in docs/quality.md."""

import quality_settings as settings
from common import ROOT

PAGE = ROOT / "docs/quality.md"
BEGIN, END = "<!-- quality -->", "<!-- /quality -->"
PROGRAMS = {
    "starling": "Starling, preset",
    "starling_defaults": "Starling, defaults",
    "bpmf": "Starling, Bayesian",
    "libmf": "LIBMF, chosen alike",
    "libmf_oracle": "LIBMF, best test RMSE of its grid",
    "myfm": "myFM, Bayesian",
}
SETS = {"ml-100k": "MovieLens-100K", "ml-1m": "MovieLens-1M", "ml-100k, u1–u5": "MovieLens-100K, u1–u5"}


def rows(result) -> list:
    found = []
    for number, (name, part) in enumerate(result["sets"].items()):
        for program, figures in ((program, part["folds"].get(program)) for program in PROGRAMS):
            if not figures:
                continue
            spread = f"{figures['rmse']:.4f} ± {figures['rmse_deviation']:.4f}"
            found.append([SETS[name], PROGRAMS[program], spread, f"{figures['rmse_known']:.4f}"])
        if name in ("ml-100k", "ml-1m"):
            for program, errors in result["published"].items():
                found.append([SETS[name], f"{program}, published", f"{errors[name == 'ml-1m']:.3f}", ""])
    return found


HEAD = ["data", "program", "RMSE, mean ± deviation of 5 folds", "known pairs only"]


def text(result) -> str:
    lines = [HEAD, *rows(result)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    printed, last = [], None
    for line in lines:
        cells = ["" if line[0] == last else line[0], *line[1:]]
        printed.append("  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip())
        last = line[0]
    return "\n".join([*printed, "", *(f"{SETS[name]}: {note(part)}" for name, part in result["sets"].items())])


def command(chosen) -> str:
    return "starling train mf " + " ".join(f"--{name} {value}" for name, value in chosen.items())


def note(part) -> str:
    return f"{command(part['chosen']['starling'])}; {counterpart(part)}"


def counterpart(part) -> str:
    libmf = ", ".join(f"{name} {value}" for name, value in part["chosen"]["libmf"].items())
    return f"LIBMF: {libmf}; {part['unknown_pairs']} unknown pairs in all folds"


def markdown(result) -> str:
    lines = ["| " + " | ".join(HEAD) + " |", "|---|---|--:|--:|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows(result)]
    versions, tuned = result["versions"], {name: part for name, part in result["sets"].items() if "tried" in part}
    lines += ["", f"Starling {versions['starling']} ({versions['commit']}), LIBMF {versions['libmf'].split(',')[0]}, "
              f"myFM {versions['myfm']}."]
    lines += ["", *(sweeps(name, part) for name, part in result["sets"].items() if "epoch_seconds" in part["folds"].get("myfm", {}))]
    lines += ["What was chosen, beside `--data` and `--output`:", "", "```sh"]
    for name, part in tuned.items():
        lines += [f"# {SETS[name]}. {counterpart(part)}", command(part["chosen"]["starling"])]
    return "\n".join([*lines, "```"])


def sweeps(name, part) -> str:
    ours, theirs = (part["folds"][row]["epoch_seconds"] * 1e3 for row in ("bpmf", "myfm"))
    return (f"The median Bayesian sweep of {SETS[name]} takes Starling {ours:.1f} ms ({settings.BAYES_THREADS} threads), "
            f"myFM {theirs:.1f} ms (it has one thread): {theirs / ours:.0f} ×.\n")


def write(result):
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{markdown(result)}\n{END}{rest.split(END)[1]}")
