"""`--source=download`: from a problem's declaration to its records."""

import json

import pytest

import t2t_mm
from t2t_mm import errors, registry
from t2t_mm.bin import datagen
from t2t_mm.datagen import sources
from t2t_mm.downloads import declaration
from tests.downloads.conftest import Said, Server


@pytest.fixture
def server():
    serving = Server().start()
    yield serving
    serving.stop()


def test_records_come_from_what_was_downloaded(toys, toy_raw, server, tmp_path, capsys):
    @t2t_mm.register_problem("toy_online")
    class Online(registry.problems.get("toy_text")):
        downloads = tuple(server.put(p.name, p.read_bytes()) for p in sorted(toy_raw.iterdir()))

    assert Online.sources == ("manual", "sample", "download")
    corpora = tmp_path / "corpora"
    flags = ["--problem=toy_online", f"--manual_dir={corpora}", "--workers=1", "--json"]
    flags += ["--vocabulary_size=300", f"--usr_dir={toys}"]
    given = [*flags, f"--data_dir={tmp_path / 'data'}"]
    assert datagen.main([*given, "--source=download", "--offline"]) == 2
    told = capsys.readouterr().err
    assert f"place {corpora / 'toy' / 'train.src'} (" in told
    assert "6 files of the corpora are not there, and --offline opens no connection" in told
    assert not server.requests
    assert datagen.main([*given, "--source=download"]) == 0
    assert json.loads(capsys.readouterr().out)["problems"]["toy_online"]["status"] == "generated"
    names = sorted(path.name for path in (corpora / "toy").iterdir())
    assert names == ["checksums.json", *sorted(path.name for path in toy_raw.iterdir())]
    count = len(server.requests)
    # The files are the user's now, whichever source is named, and with none.
    for more in (["--source=manual"], ["--source=download", "--offline"], []):
        assert datagen.main([*given, *more]) == 0
        answer = json.loads(capsys.readouterr().out)["problems"]["toy_online"]
        assert answer["status"] == "unchanged"
    again = [*flags, f"--data_dir={tmp_path / 'again'}", "--source=manual"]
    assert datagen.main(again) == 0
    assert len(server.requests) == count
    first, second = (
        json.loads((tmp_path / name / "toy_online/1.0.0/manifest.json").read_text())
        for name in ("data", "again")
    )
    assert (first["source"], second["source"]) == ("download", "manual")
    assert first["splits"] == second["splits"]


def test_a_failed_download_leaves_no_data(toys, server, tmp_path):
    server.put("train.src", b"text\n")
    server.faults = ["page"]

    @t2t_mm.register_problem("toy_online")
    class Online(registry.problems.get("toy_text")):
        downloads = (declaration.Download(server.url("train.src"), 5, "0" * 64),)

    with pytest.raises(errors.DataError, match=r"train\.src: it sends a web page"):
        t2t_mm.generate(
            "toy_online",
            tmp_path / "data",
            source="download",
            manual_dir=tmp_path / "corpora",
            workers=1,
            progress=Said(),
        )
    assert not (tmp_path / "data").exists()
    assert not (tmp_path / "corpora").exists()


@pytest.mark.parametrize("name", ["wsj_speech", "wsj_parsing", "imagenet"])
def test_a_licensed_corpus_says_where_it_is_to_be_had(name):
    problem = registry.problems.get(name)
    with pytest.raises(errors.ConfigError) as caught:
        sources.choose(problem, "download", manual=True, held=None)
    for word in ("licensed", "https://", f"MANUAL_DIR/{problem.corpus}", problem.layout):
        assert word in str(caught.value)


@pytest.mark.parametrize("name", ["fsdd", "librispeech", "multi30k_ende", "tiny_imagenet"])
def test_nothing_is_downloaded_unless_asked_for(name):
    problem = registry.problems.get(name)
    assert sources.choose(problem, None, manual=False, held=None) is None
    assert sources.choose(problem, "download", manual=False, held=None) == "download"


def test_downloads_of_built_in_problems_are_verified():
    with_downloads = [
        problem
        for problem in map(registry.problems.get, registry.problems.names())
        if problem.downloads
    ]
    assert len(with_downloads) >= 18
    for problem in with_downloads:
        assert not problem.licensed
        names = [download.name for download in problem.downloads]
        assert len(set(names)) == len(names)
        assert all(download.verified for download in problem.downloads)
