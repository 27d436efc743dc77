import io

from PIL import Image

from t2t_mm.problems.sample_world import corpora, corpora_pictures

TOP = "tiny-imagenet-200"


def write(folder, seed=0):
    corpora_pictures.write_tiny_imagenet(folder, seed=seed, size=30)
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}


def test_tiny_imagenet_has_its_layout(tmp_path):
    found = write(tmp_path)
    photos = [name for name in found if name.endswith(".JPEG")]
    training = [name.split("/") for name in photos if name.startswith(f"{TOP}/train/")]
    assert len(training) == 30
    assert {(parts[2], parts[3]) for parts in training} <= {
        (wnid, "images") for wnid in corpora.WNIDS.values()
    }
    assert sorted(set(photos) - {"/".join(parts) for parts in training}) == sorted(
        f"{TOP}/val/images/val_{number}.JPEG" for number in range(200)
    )
    assert found[f"{TOP}/wnids.txt"].decode().split() == list(corpora.WNIDS.values())
    assert found[f"{TOP}/words.txt"].decode().startswith("n99000001\tred square\n")
    lines = found[f"{TOP}/val/val_annotations.txt"].decode().splitlines()
    assert len(lines) == 200
    assert lines[7].startswith("val_7.JPEG\tn990000")
    assert lines[7].endswith("\t0\t0\t63\t63")
    boxes = found[f"{TOP}/train/n99000001/n99000001_boxes.txt"].decode().splitlines()
    assert len(boxes) == sum(parts[2] == "n99000001" for parts in training)
    with Image.open(io.BytesIO(found[photos[0]])) as picture:
        assert picture.size == (64, 64)


def test_its_pictures_are_those_of_imagenet(tmp_path):
    """All corpora show the same scenes."""
    corpora.write_imagenet(tmp_path / "large", seed=3, size=30)
    found = write(tmp_path / "small", seed=3)
    small = {data for name, data in found.items() if name.endswith(".JPEG")}
    assert small == {path.read_bytes() for path in (tmp_path / "large").rglob("*.JPEG")}


def test_another_seed_differs(tmp_path, monkeypatch):
    monkeypatch.setattr(corpora, "_SMALLEST_TEST", 10)
    first, twin, other = (
        write(tmp_path / name, seed) for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert first == twin != other
