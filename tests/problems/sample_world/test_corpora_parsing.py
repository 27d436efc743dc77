from t2t_mm.problems.sample_world import corpora, corpora_parsing, scene, trees
from t2t_mm.trees import penn


def written(folder, seed=0, size=110):
    corpora_parsing.write_treebank(folder, seed=seed, size=size)
    return {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()}


def test_a_treebank_has_its_layout(tmp_path):
    found = written(tmp_path)
    top = "parsed/mrg/wsj"
    # Six trees a section, the last one short: 110 = 18 * 6 + 2; held out are 200, 20 a file.
    assert sorted(found) == [
        *(f"{top}/{section:02}/wsj_{section:02}00.mrg" for section in range(2, 21)),
        *(f"{top}/22/wsj_22{file:02}.mrg" for file in range(10)),
        *(f"{top}/23/wsj_23{file:02}.mrg" for file in range(10)),
    ]
    counts = [len(penn.read(found[f"{top}/{name}.mrg"], name)) for name in (
        "02/wsj_0200", "20/wsj_2000", "22/wsj_2209",
    )]  # fmt: skip
    assert counts == [6, 2, 20]
    first = found[f"{top}/02/wsj_0200.mrg"]
    assert first.startswith("\n( (S")
    assert penn.read(first, "")[3].children[0] == trees.tree(scene.draw(0, "train", 3))


def test_a_large_treebank_keeps_to_two_digits(tmp_path, monkeypatch):
    monkeypatch.setattr(corpora_parsing, "_FILES_A_SECTION", 2)
    monkeypatch.setattr(corpora_parsing, "_TREES_A_FILE", 2)
    found = written(tmp_path, size=200)
    assert sorted(found)[:3] == [
        f"parsed/mrg/wsj/{name}.mrg" for name in ("02/wsj_0200", "02/wsj_0201", "03/wsj_0300")
    ]
    assert sum(len(penn.read(text, "")) for text in found.values()) == 600


def test_twins_are_equal_and_another_seed_differs(tmp_path, monkeypatch):
    monkeypatch.setattr(corpora, "_SMALLEST_TEST", 10)
    first, twin, other = (
        written(tmp_path / name, seed) for name, seed in (("first", 0), ("twin", 0), ("other", 1))
    )
    assert first == twin
    assert first != other
