from t2t_mm.problems.sample_world import corpora, scene


def files(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def imagenet(folder, seed=0):
    corpora.write_imagenet(folder, seed=seed, size=30)
    return files(folder)


def test_imagenet_has_its_layout(tmp_path):
    found = imagenet(tmp_path)
    photos = [name.split("/") for name in found if name.endswith(".JPEG")]
    assert len([p for p in photos if p[0] == "train"]) == 30
    assert len([p for p in photos if p[0] == "val"]) == 200
    assert {wnid for _, wnid, _ in photos} <= set(corpora.WNIDS.values())
    assert found["LOC_synset_mapping.txt"].decode().split("\n")[0] == "n99000001 red square"


def test_twins_are_equal_and_another_seed_differs(tmp_path, monkeypatch):
    monkeypatch.setattr(corpora, "_SMALLEST_TEST", 10)
    for number, make in enumerate((imagenet,)):
        first, twin, other = (
            make(tmp_path / f"{number}{name}", seed)
            for name, seed in (("first", 0), ("twin", 0), ("other", 1))
        )
        assert first == twin
        assert first != other


def test_held_out_sizes_follow_in_proportion():
    assert corpora.sizes(100) == {"train": 100, "validation": 200, "test": 200}
    assert corpora.sizes(50_000)["test"] == 1000


def test_a_class_for_every_label():
    assert list(corpora.WNIDS) == list(scene.LABELS)
