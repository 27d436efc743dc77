"""Beam: the same bytes as local processes, and clear words for what it cannot do."""

import collections
import importlib.util
import json

import pytest

from t2t_mm import errors
from t2t_mm.data import manifest
from t2t_mm.datagen import encode, generate, job_results, shuffle

_RUNNERS = {
    "in memory": ("runner=DirectRunner",),
    "multi_processing": ("--runner=DirectRunner", "--direct_running_mode=multi_processing"),
    "LOOPBACK": ("runner=PortableRunner", "job_endpoint=embed", "environment_type=LOOPBACK"),
    "Dask": ("runner=apache_beam.runners.dask.dask_runner.DaskRunner",),
}


@pytest.fixture
def make(toys, toy_raw, tmp_path):
    """Runs `generate` on the toy's raw files, into a folder of a name."""

    def run(name, problem="toy_text", **options):
        place = tmp_path / name
        generate.generate(problem, place, manual_dir=toy_raw.parent, workers=2, **options)
        return place

    return run


@pytest.mark.slow
@pytest.mark.parametrize("name", _RUNNERS)
def test_every_runner_makes_the_same_bytes(make, hashes, name):
    local = make("local")
    beam = make("beam", runner="beam", beam_options=_RUNNERS[name])
    assert hashes(beam) == hashes(local)


@pytest.mark.slow
def test_an_error_in_a_job_is_told_as_by_a_local_worker(make, toy_raw, tmp_path):
    (toy_raw / "train.src").write_bytes(b"\xff\n" * 50)
    said = []
    for options in ({}, {"runner": "beam", "beam_options": ["runner=DirectRunner"]}):
        with pytest.raises(errors.BadExampleError) as caught:
            make("data", **options)
        said.append(str(caught.value))
    assert said[0] == said[1]
    assert "line 1" in said[0]
    assert not [path for path in (tmp_path / "data").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["direct_running_mode=multi_threading"], "3 records of 100 are lost"),
        (["direct_runing_mode=in_memory"], "Did you mean 'direct_running_mode'"),
        (["direct_num_workers=many"], "invalid int value: 'many'"),
        (["runner=NoRunner"], "Unexpected pipeline runner: NoRunner"),
    ],
)
def test_options_are_checked_before_any_work(make, tmp_path, options, words):
    with pytest.raises(errors.ConfigError, match=words):
        make("data", runner="beam", beam_options=options)
    assert not [path for path in (tmp_path / "data").rglob("*") if path.is_file()]


def test_a_job_that_a_runner_loses_is_missed(tmp_path, monkeypatch):
    from t2t_mm.datagen import beam

    pipelines = beam.Beam(2, [], options=["runner=DirectRunner"])
    monkeypatch.setattr(beam.Beam, "_run", lambda *_: None)
    with pytest.raises(errors.DataError, match="without the result of job 0"):
        pipelines.run(shuffle.write_shard, [None], scratch=tmp_path)
    assert not list(tmp_path.iterdir())


def test_without_beam_there_is_one_line(make, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "apache_beam" else find(name)
    )
    with pytest.raises(errors.ConfigError, match=r"pip install 't2t-mm\[beam\]'"):
        make("data", runner="beam")


def test_other_runners_and_options_without_beam_are_refused(make):
    with pytest.raises(errors.ConfigError, match="Did you mean 'beam'"):
        make("data", runner="bean")
    with pytest.raises(errors.ConfigError, match="--beam_option is of --runner=beam"):
        make("data", beam_options=["runner=DirectRunner"])


def test_results_and_errors_are_the_same_after_a_journey_as_json():
    part = encode.EncodedPart(3, 40, 5, used={"a": 1})
    part.classes = {"targets": collections.Counter({"cat": 2})}
    part.filtered = collections.Counter({"too long": 1})
    part.answers = collections.Counter({"yes": 2})
    part.bad = [encode.BadExample((1, 2), "k", "it is bad", "bad")]
    shard = shuffle.Written(manifest.Shard("f", 3, 2, "ab", 1), 7)
    for result in (part, shard, None):
        assert job_results.unpack(json.loads(json.dumps(job_results.pack(result)))) == result
    unpacked = job_results.unpack(job_results.pack(part))
    for counts in (*unpacked.classes.values(), unpacked.filtered, unpacked.answers):
        assert isinstance(counts, collections.Counter)
    error = errors.BadExampleError("It is bad", received="x", hint="Mend it")
    again = job_results.error(json.loads(json.dumps(job_results.pack_error(error))))
    assert (type(again), str(again)) == (type(error), str(error))
