from t2t_mm.corpus import class_folders, raw

ENDINGS = (".jpg",)


def corpus(folder):
    for name in ("cats/b.JPG", "cats/a.jpg", "cats/notes.txt", "cats/old/c.jpg", "d[o]gs/a.jpg"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return raw.RawFiles(folder)


def test_names_are_sorted_and_those_of_the_endings(tmp_path):
    files = corpus(tmp_path)
    assert class_folders.names("cats", files, ENDINGS) == ["a.jpg", "b.JPG"]
    assert class_folders.names("cats", files, ENDINGS, deep=True) == ["a.jpg", "b.JPG", "old/c.jpg"]
    assert class_folders.names("d[o]gs", files, ENDINGS) == ["a.jpg"]
    assert class_folders.names("birds", files, ENDINGS) == []


def test_classes_take_turns(tmp_path):
    folders = {"cat": "cats", "bird": "birds", "dog": "d[o]gs"}
    pairs = list(class_folders.take_turns(folders, corpus(tmp_path), ENDINGS))
    assert pairs == [
        ("cat", tmp_path / "cats" / "a.jpg"),
        ("dog", tmp_path / "d[o]gs" / "a.jpg"),
        ("cat", tmp_path / "cats" / "b.JPG"),
    ]
