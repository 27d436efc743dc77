"""Every real corpus that there is, all the way from its raw files to an answer.

What `test_every_problem` does with sample data: records, some steps of training, the
problem's own metrics, decoding. It is the way that is tested, not what is learnt on it.
"""

import math

import pytest

import t2t_mm
from t2t_mm import plugins, registry
from tests.problems.conftest import SIZES, given

pytestmark = [
    pytest.mark.slow,
    pytest.mark.real_data,
]

EXAMPLES = 12  # of each split
STEPS = 3

CORPORA = [
    ("multi30k", "multi30k_ende"),
    ("multi30k", "multi30k_defr"),
    ("multi30k", "multi30k_lm_en"),
    ("wmt", "wmt_ende"),
    ("wmt", "wmt_fren"),
    ("wmt", "wmt_frde"),
    ("treebank", "wsj_parsing"),
    ("librispeech", "librispeech"),
    ("fsdd", "fsdd"),
    ("fsdd", "fsdd_words"),
    ("imagenet_samples", "imagenet"),
    ("tiny_imagenet", "tiny_imagenet"),
    ("coco2017", "coco_caption"),
]

plugins.load_all()


def wmt(root, folder):
    """The real test sets; Multi30k's text for training, and for newstest2013 what is there."""
    captions = root("multi30k") / "multi30k" / "data" / "task1" / "raw"
    news = root("wmt") / "wmt"
    for pair in ("de-en", "fr-en", "de-fr"):
        for side in pair.split("-"):
            link(folder / "wmt" / f"captions.{pair}.{side}.gz", captions / f"train.{side}.gz")
    for name in ("test-full", "newstest2021"):
        link(folder / "wmt" / name, news / name)
    for file in (*news.glob("newstest2021/*"), *news.glob("test-full/*fren*")):
        name = file.name.replace("2021", "2013").replace("2014", "2013")
        link(folder / "wmt" / "dev" / name, file)
    return folder


def imagenet_samples(root, folder):
    """One photo a class, and so none to hold back."""
    photos = root("imagenet_samples") / "imagenet_samples" / "train"
    for split in ("train", "val"):
        link(folder / "imagenet" / split, photos)
    return folder


LAID_OUT = {"wmt": wmt, "imagenet_samples": imagenet_samples}


def link(path, place):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(place)


@pytest.mark.parametrize(("corpus", "name"), CORPORA)
def test_raw_files_become_answers(real_data, tmp_path, corpus, name):
    problem = registry.problems.get(name)
    manual_dir = LAID_OUT[corpus](real_data, tmp_path) if corpus in LAID_OUT else real_data(corpus)
    made = t2t_mm.generate(
        name,
        tmp_path / "data",
        source="manual",
        manual_dir=manual_dir,
        max_examples=EXAMPLES,
        workers=1,
    )["problems"][name]
    assert made["status"] == "generated"
    assert {s: counts["examples"] for s, counts in made["splits"].items()} == dict.fromkeys(
        problem.expected_splits(made["splits"]), EXAMPLES
    )

    trained = t2t_mm.train(
        name,
        data_dir=tmp_path / "data",
        output_dir=tmp_path / "run",
        gin_params=SIZES,
        train_steps=STEPS,
        eval_every=0,
    )
    assert trained["problems"][name]["steps"] == STEPS
    assert math.isfinite(trained["problems"][name]["loss"])
    assert set(problem.metrics) <= set(trained["eval"][name])
    assert all(map(math.isfinite, trained["eval"][name].values()))

    run = t2t_mm.load_run(tmp_path / "run")
    task = run.task(name)
    answers = t2t_mm.decode(run, given(task, task.splits[-1], 2), problem=name)
    classes = getattr(task.targets, "classes", None)
    for answer in answers:
        assert math.isfinite(answer.score)
        assert answer.outputs in classes if classes else isinstance(answer.outputs, str)
    assert len(answers) == 2
