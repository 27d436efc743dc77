"""Small problems for the tests of data generation, loaded as a plugin."""

import os
import pathlib
import time

from PIL import Image as pillow

from t2t_mm import Problem, register_problem
from t2t_mm.modality import Categorical, Image, Language

SPLITS = {"train": 1.0, "validation": 0.2, "test": 0.2}


class Toy(Problem):
    corpus = "toy"
    layout = "{train,validation,test}.{src,tgt}, one sentence a line"
    inputs = {"inputs": Language(vocab="toy")}
    targets = Language(vocab="toy")
    command = "to-toy"
    sources = ("manual", "sample")

    def generate_examples(self, split, files):
        pairs = files.parallel(f"{split}.src", f"{split}.tgt")
        for number, (source, target) in enumerate(pairs):
            yield f"{split}/{number}", {"inputs": source, "targets": target}

    def make_sample(self, folder, *, seed, size):
        for split, share in SPLITS.items():
            numbers = range(max(int(size * share), 1))
            for end in ("src", "tgt"):
                lines = [f"{end} {split} {seed} number {number}" for number in numbers]
                (folder / f"{split}.{end}").write_text("\n".join(lines) + "\n")


@register_problem("toy_text")
class ToyText(Toy):
    pass


@register_problem("toy_reversed")
class ToyReversed(Toy):
    sources = ("manual",)

    def generate_examples(self, split, files):
        for key, pair in super().generate_examples(split, files):
            yield key, {"inputs": pair["targets"], "targets": pair["inputs"]}


@register_problem("toy_slow")
class ToySlow(Toy):
    """Where TOY_AT_WORK names a folder: slow, and each process that is at work says so there."""

    def generate_examples(self, split, files):
        folder = os.environ.get("TOY_AT_WORK")
        for number, example in enumerate(super().generate_examples(split, files)):
            yield example
            if folder and number == 3:
                (pathlib.Path(folder) / str(os.getpid())).touch()
            if folder and number >= 3:
                time.sleep(0.2)


@register_problem("toy_picky")
class ToyPicky(Toy):
    def generate_examples(self, split, files):
        pairs = list(super().generate_examples(split, files))
        for number, example in enumerate(pairs):
            if example[1]["targets"].count("x") == 8:
                files.skip("of eight letters")
            elif split != "train" and number == len(pairs) - 1:
                files.skip("the last")
            else:
                yield example


@register_problem("toy_pictures")
class ToyPictures(Problem):
    corpus = "toy_pictures"
    layout = "{train,validation}/CLASS/*.png"
    inputs = {"image": Image(size=32)}
    targets = Categorical()
    command = "to-class"
    splits = ("train", "validation")
    sources = ("sample", "manual")
    sample_size = 8

    def generate_examples(self, split, files):
        for path in files.glob(f"{split}/*/*.png"):
            name = path.parent.name
            yield f"{split}/{name}/{path.stem}", {"image": path, "targets": name}

    def make_sample(self, folder, *, seed, size):
        for split in self.splits:
            for number in range(size):
                name = ("red", "green")[number % 2]
                path = folder / split / name / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                colour = (number, seed, 0) if name == "red" else (0, number, seed)
                pillow.new("RGB", (40, 40), colour).save(path)


class Wrong(Toy):
    sources = ("sample", "manual")


@register_problem("toy_twice")
class ToyTwice(Wrong):
    def generate_examples(self, split, files):
        for number, line in enumerate(files.lines(f"{split}.src")):
            yield f"{split}/{number % 7}", {"inputs": line, "targets": line}


@register_problem("toy_misspelt")
class ToyMisspelt(Wrong):
    def generate_examples(self, split, files):
        yield "a", {"inputs": "x", "target": "y"}


@register_problem("toy_odd")
class ToyOdd(Wrong):
    def generate_examples(self, split, files):
        yield {"inputs": "x", "targets": "y"}


@register_problem("toy_raises")
class ToyRaises(Wrong):
    def generate_examples(self, split, files):
        yield "a", {"inputs": "x", "targets": "y"}
        left, right = "no tab here".split("\t")
        yield left, right


@register_problem("toy_unicode")
class ToyUnicode(Wrong):
    def generate_examples(self, split, files):
        yield "a", {"inputs": "x\udcff", "targets": "y"}


@register_problem("toy_opens")
class ToyOpens(Wrong):
    def generate_examples(self, split, files):
        text = (files.root / "nowhere").read_text()
        yield "a", {"inputs": text, "targets": text}


@register_problem("toy_numbers")
class ToyNumbers(Wrong):
    def generate_examples(self, split, files):
        for number in range(20):
            yield f"{split}/{number}", {"inputs": "x", "targets": 3 if number % 5 == 2 else "y"}


@register_problem("toy_remote")
class ToyRemote(Toy):
    sources = ("download",)
