"""Uses an image as a container would: its user, folder, environment and entry point, and nothing else of this machine."""

import csv
import json
import random
import shlex
from pathlib import Path

from builder import Image
from roots import Mounts, die, say


class Trial:
    def __init__(self, image: Image, torch: str):
        self.image, self.torch = image, torch

    def starling(self, *words: str, expect=0) -> str:
        """Standard output, and standard error too where it is expected to fail."""
        say(f"  $ {shlex.join([*self.image.entrypoint, *words])}")
        done = self.image.start([*self.image.entrypoint, *words], {}, capture_output=True)
        if done.returncode != expect:
            die(f"it ended with {done.returncode}, not {expect}:\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr * (expect != 0)

    def run(self):
        say(f"\nThe image, as user {self.image.user} in {self.image.folder}")
        with Mounts(self.image.root):
            self.starling(*self.image.command)
            self.write_ratings(self.image.inside("ratings.csv"))
            self.factorise()
            self.reach_databases()
            self.neural()
            self.look_at_rights()

    def factorise(self):
        options = ["--data", "ratings.csv", "--output", "runs/first", "--factors", "8", "--json"]
        trained = json.loads(self.starling("train", "mf", *options))
        say(f"    {trained['users']} users, {trained['items']} items, val_rmse {trained['metrics']['val_rmse']:.3f}")
        if trained["metrics"]["val_rmse"] > 1:
            die("it learnt nothing")
        found = json.loads(self.starling("recommend", "runs/first", "--user", "1", "--count", "5", "--json"))["items"]
        say("    " + ", ".join(f"{entry['item']} ({entry['score']:.2f})" for entry in found))
        # User 1 likes films of odd numbers.
        if len(found) != 5 or any(int(entry["item"]) % 2 == 0 for entry in found):
            die("these are not the films that user 1 likes")
        self.starling("export", "runs/first", "--to", "sqlite:runs/vectors.sqlite")
        # As Vertex AI's tuning service adds a trial's parameters to the arguments of a job.
        self.starling("train", "mf", "--ratings_csv", "ratings.csv", "--output", "runs/trial", "--lr=0.01", "--factors=16")

    def reach_databases(self):
        """No server is there to answer: what is shown is that PostgreSQL's client library is found and asks for one."""
        words = ["--data", "postgres://nobody@127.0.0.1:1/nothing", "--output", "runs/none"]
        if "Connection refused" not in self.starling("train", "mf", *words, expect=69):
            die("PostgreSQL's client library is not there")

    def neural(self):
        options = ["--data", "ratings.csv", "--epochs", "1"]
        if self.torch == "none":
            self.starling("train", "two-tower", *options, "--output", "runs/towers", expect=69)
            return
        self.starling("train", "two-tower", *options, "--output", "runs/towers", "--batch-size", "64")
        self.starling("recommend", "runs/towers", "--user", "1", "--count", "5")
        self.find_libraries()
        if self.torch == "cuda" and not Path("/dev/nvidiactl").exists():
            refusal = self.starling("train", "mf", *options, "--output", "runs/gpu", "--device", "cuda", expect=69)
            say("    " + refusal.strip().splitlines()[-1])
            if "cannot be opened" in refusal:
                die("libraries of CUDA are missing")

    def find_libraries(self):
        """All of LibTorch's, CUDA's too where it is there, but for the driver, which comes with the machine."""
        libraries = [f"/opt/libtorch/torch/lib/{file.name}" for file in self.image.inside("/opt/libtorch/torch/lib").glob("*.so")]
        done = self.image.start(["ldd", "/opt/libtorch/libstarling_torch.so", *libraries], {}, capture_output=True)
        missing = {line.strip() for line in done.stdout.splitlines() if "not found" in line and "libcuda.so.1" not in line}
        if done.returncode != 0 or missing:
            die(f"libraries are missing: {missing or done.stderr}")

    def look_at_rights(self):
        """What it wrote is its own, and in the image it can write nowhere else."""
        user, group = self.image.ids()
        owners = {(file.stat().st_uid, file.stat().st_gid) for file in self.image.inside("runs").rglob("*")}
        if owners != {(user, group)}:
            die(f"files of runs belong to {owners}")
        if user == 0:
            return
        find = f"find / ( -path /proc -o -path /dev ) -prune -o ! -type l -writable ! -user {user} -print"
        places = set(self.image.start(find.split(), {}, capture_output=True).stdout.split())
        if places - {"/tmp", "/var/tmp", "/run/lock"}:
            die(f"the user can write to {sorted(places)}")

    @staticmethod
    def write_ratings(file: Path):
        """Half of the people like films of even numbers, half those of odd ones."""
        draw = random.Random(1)
        with file.open("w", newline="") as out:
            table = csv.writer(out)
            table.writerow(["userId", "movieId", "rating"])
            for user in range(1, 101):
                for film in draw.sample(range(1, 51), 20):
                    table.writerow([user, film, (4.5 if user % 2 == film % 2 else 1.5) + draw.choice((-0.5, 0, 0.5))])
