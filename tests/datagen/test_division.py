"""Division of a split among workers: all of it, once, in jobs of about the same work."""

import itertools

import pytest

from t2t_mm import errors, plugins, problem, registry
from t2t_mm.corpus import parts, raw
from t2t_mm.datagen import division


class _Lines(problem.Problem):
    name = "lines"
    sizes = (100, 10, 10, 10, 10)

    def generate_examples(self, split, files):
        yield from ()

    def parts(self, split, files):
        return [parts.Part(size) for size in self.sizes]


class _Own(_Lines):
    """Reads in a way of its own, of which the inherited parts know nothing."""

    def generate_examples(self, split, files):
        yield from ()


def _divide(cls, tmp_path, workers, max_examples=None):
    files = raw.RawFiles(tmp_path)
    return division.divide(cls(), "train", files, workers=workers, max_examples=max_examples)


def test_a_part_far_larger_than_others_is_of_several_workers(tmp_path):
    jobs = _divide(_Lines, tmp_path, 4)
    every = sorted((one for job in jobs for one in job), key=lambda one: (one.number, one.turn))
    # 140 bytes for 4 workers are 35 each: 100 bytes are of ceil(100 / 35) = 3 of them.
    assert [(one.part.size_bytes, one.turn, one.step) for one in every] == [
        (100, 0, 3),
        (100, 1, 3),
        (100, 2, 3),
        *[(10, 0, 1)] * 4,
    ]


def test_jobs_are_of_about_the_same_work(tmp_path):
    class Many(_Lines):
        sizes = tuple(range(1, 200))

    jobs = _divide(Many, tmp_path, 2)
    loads = [sum(one.cost for one in job) for job in jobs]
    assert len(jobs) == 8
    assert max(loads) < 1.1 * min(loads)


def test_files_are_shared(tmp_path):
    class Photos(_Lines):
        def parts(self, split, files):
            return parts.of_units(1000)

    jobs = _divide(Photos, tmp_path, 3)
    taken = [(one.part.share, one.part.shares) for job in jobs for one in job]
    assert sorted(taken) == [(share, 12) for share in range(12)]


def test_without_parts_each_worker_takes_its_turn(tmp_path):
    for cls, limit in ((_Own, None), (_Lines, 7)):
        jobs = _divide(cls, tmp_path, 3, limit)
        assert [(one.turn, one.step) for (one,) in jobs] == [(0, 3), (1, 3), (2, 3)]
    assert [list(job) for job in _divide(_Lines, tmp_path, 1)] == [
        [division.Slice(0, parts.Part())]
    ]


@pytest.mark.parametrize("odd", [[], [3], "abc"])
def test_parts_that_are_none_are_a_plugins_error(tmp_path, odd):
    class Odd(_Lines):
        def parts(self, split, files):
            return odd

    with pytest.raises(errors.PluginError, match="parts of 'lines' returned something odd"):
        _divide(Odd, tmp_path, 2)


def test_an_exception_in_parts_is_a_plugins_error(tmp_path):
    class Wrong(_Lines):
        def parts(self, split, files):
            return 1 / 0

    with pytest.raises(errors.PluginError, match="parts of 'lines' failed.*ZeroDivisionError"):
        _divide(Wrong, tmp_path, 2)


_SAMPLES = {
    "coco_caption": 12,
    "fsdd": 30,
    "imagenet": 30,
    "librispeech": 12,
    "multi30k_deen": 200,
    "multi30k_lm_en": 200,
    "tiny_imagenet": 30,
    "vqa": 40,
    "vqa_classes": 40,
    "wmt_deen": 300,
    "wmt_enfr": 300,
    "wsj_parsing": 60,
    "wsj_speech": 12,
}
_QUICK = {
    "multi30k_lm_en",
    "vqa",
    "wmt_deen",
}  # the others draw pictures, speak, or are much like these


@pytest.mark.parametrize(
    "name",
    [n if n in _QUICK else pytest.param(n, marks=pytest.mark.slow) for n in sorted(_SAMPLES)],
)
def test_slices_of_a_built_in_problem_are_its_examples(name, tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "PART_BYTES", 2_000)
    plugins.load_all()
    declared = registry.problems.get(name)()
    declared.make_sample(tmp_path, seed=1, size=_SAMPLES[name])
    for split in declared.splits:
        whole = dict(declared.generate_examples(split, raw.RawFiles.of(tmp_path, declared.corpus)))
        files = raw.RawFiles.of(tmp_path, declared.corpus)
        jobs = division.divide(declared, split, files, workers=3, max_examples=None)
        read = []
        for one in itertools.chain.from_iterable(jobs):
            files.part = one.part
            examples = declared.generate_examples(split, files)
            read += list(itertools.islice(examples, one.turn, None, one.step))
        assert len(read) == len(whole)
        assert _told(dict(read)) == _told(whole)


def _told(examples):
    return {
        key: {name: str(value) for name, value in values.items()}
        for key, values in examples.items()
    }
