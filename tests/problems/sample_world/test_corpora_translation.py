import gzip
import tarfile

import pytest

from t2t_mm.problems.sample_world import corpora, corpora_translation


def files(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def wmt(folder, seed=0, pair=("en", "de")):
    corpora_translation.write_wmt(folder, *pair, seed=seed, size=50)
    return files(folder)


def multi30k(folder, seed=0):
    corpora_translation.write_multi30k(folder, seed=seed, size=30)
    return files(folder)


def test_wmt_with_german_and_english(tmp_path):
    found = wmt(tmp_path)
    assert sorted(found) == [
        "dev/newstest2013-ref.de.sgm",
        "dev/newstest2013-ref.en.sgm",
        "dev/newstest2013-src.de.sgm",
        "dev/newstest2013-src.en.sgm",
        "test-full/newstest2014-deen-ref.de.sgm",
        "test-full/newstest2014-deen-ref.en.sgm",
        "test-full/newstest2014-deen-src.de.sgm",
        "test-full/newstest2014-deen-src.en.sgm",
        "training/sample-world.de-en.de",
        "training/sample-world.de-en.en",
    ]
    assert found["training/sample-world.de-en.de"].count(b"\n") == 50
    test_set = found["test-full/newstest2014-deen-ref.de.sgm"].decode()
    assert test_set.startswith('<refset setid="newstest2014" srclang="any" trglang="de">\n<doc ')
    assert test_set.count("<seg id=") == 200


def test_wmt_with_french_and_english_is_packed(tmp_path):
    found = wmt(tmp_path, pair=("en", "fr"))
    assert "test-full/newstest2014-fren-src.fr.sgm" in found
    with tarfile.open(tmp_path / "training-parallel-sample-world.tgz") as archive:
        names = archive.getnames()
        text = archive.extractfile(names[0]).read()
    assert names == ["training/sample-world.fr-en.fr", "training/sample-world.fr-en.en"]
    assert text.count(b"\n") == 50


def test_wmt_with_german_and_french_is_a_table(tmp_path):
    found = wmt(tmp_path, pair=("fr", "de"))
    rows = gzip.decompress(found["sample-world.de-fr.tsv.gz"]).decode().splitlines()
    assert len(rows) == 50
    assert all(row.count("\t") == 1 for row in rows)
    assert sorted(name for name in found if name.startswith("test/")) == [
        "test/newstest2021.de-fr.ref.A.fr",
        "test/newstest2021.de-fr.src.de",
        "test/newstest2021.fr-de.ref.A.de",
        "test/newstest2021.fr-de.src.fr",
    ]


def test_both_directions_have_the_same_files(tmp_path):
    for number, pair in enumerate((("en", "de"), ("fr", "en"), ("de", "fr"))):
        there = wmt(tmp_path / f"{number}there", pair=pair)
        assert wmt(tmp_path / f"{number}back", pair=pair[::-1]) == there


def test_multi30k_has_its_layout(tmp_path):
    found = multi30k(tmp_path)
    counts = {name: gzip.decompress(content).count(b"\n") for name, content in found.items()}
    assert counts == {
        f"data/task1/raw/{split}.{language}.gz": count
        for split, count in (("train", 30), ("val", 200), ("test_2016_flickr", 200))
        for language in ("de", "en", "fr")
    }


@pytest.mark.parametrize("make", [wmt, multi30k])
def test_twins_are_equal_and_another_seed_differs(tmp_path, monkeypatch, make):
    monkeypatch.setattr(corpora, "_SMALLEST_TEST", 10)
    first, twin, other = (
        make(tmp_path / name, seed) for name, seed in (("first", 0), ("twin", 0), ("other", 1))
    )
    assert first == twin
    assert first != other
