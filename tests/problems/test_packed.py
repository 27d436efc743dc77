"""Corpora as their servers have them, in archives, are read as those that are unpacked."""

import gzip
import io
import zipfile

import pytest

from t2t_mm import registry, testing
from tests.problems import test_coco_caption as coco
from tests.problems import test_librispeech as librispeech
from tests.problems import test_tiny_imagenet as tiny
from tests.problems import test_vqa as vqa

PUBLISHED = [
    (
        "coco_caption",
        coco.raw_files(),
        {
            "coco2017/annotations_trainval2017.zip": "coco2017/annotations/",
            "coco2017/train2017.zip": "coco2017/train2017/",
            "coco2017/val2017.zip": "coco2017/val2017/",
        },
    ),
    (
        "vqa",
        vqa.raw_files(),
        {
            "vqa/v2_Questions_Train_mscoco.zip": "vqa/v2_OpenEnded_mscoco_train",
            "vqa/v2_Questions_Val_mscoco.zip": "vqa/v2_OpenEnded_mscoco_val",
            "vqa/v2_Annotations_Train_mscoco.zip": "vqa/v2_mscoco_train",
            "vqa/v2_Annotations_Val_mscoco.zip": "vqa/v2_mscoco_val",
            "vqa/train2014.zip": "vqa/train2014/",
            "vqa/val2014.zip": "vqa/val2014/",
        },
    ),
    (
        "tiny_imagenet",
        tiny.raw_files("tiny_imagenet/tiny-imagenet-200/"),
        {"tiny_imagenet/tiny-imagenet-200.zip": "tiny_imagenet/tiny-imagenet-200/"},
    ),
    (
        "fsdd",
        {f"fsdd/free-9/recordings/{n % 3}_theo_{n}.wav": bytes([n] * 9) for n in range(20)},
        {"fsdd/free-spoken-digit-dataset-1.0.9.tar.gz": "fsdd/"},
    ),
    (
        "librispeech",
        librispeech.corpus(
            {
                "train-clean-100": [30, 4],
                "train-other-500": [100],
                "dev-clean": [7],
                "test-clean": [8],
            },
            sound=b"fLaC of nothing",
        ),
        {
            f"librispeech/{subset}.tar.gz": f"librispeech/LibriSpeech/{subset}/"
            for subset in ("train-clean-100", "train-other-500", "dev-clean", "test-clean")
        },
    ),
]


def pack(files, archive):
    """Returns the bytes of an archive of some files, in whose folder it lies."""
    above = archive.rpartition("/")[0] + "/"
    inner = {path.removeprefix(above): data for path, data in files.items()}
    inner = {path: d.encode() if isinstance(d, str) else d for path, d in inner.items()}
    if archive.endswith(".tar.gz"):
        return gzip.compress(testing.tar(inner))
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as out:
        for path, data in inner.items():
            out.writestr(path, data)
    return held.getvalue()


def read(name, folder):
    """Returns all examples by split and key, with the content of files."""
    return {
        (split, key): {
            name: value.read_bytes() if hasattr(value, "read_bytes") else value
            for name, value in values.items()
        }
        for split in registry.problems.get(name).splits
        for key, values in testing.generated(name, split, folder)
    }


@pytest.mark.parametrize(("name", "files", "archives"), PUBLISHED, ids=lambda v: str(v)[:14])
def test_archives_are_read_as_published(name, files, archives, tmp_path):
    problem = registry.problems.get(name)
    declared = {f"{problem.corpus}/{download.name}" for download in problem.downloads}
    assert archives.keys() <= declared
    packed = {
        archive: pack({path: d for path, d in files.items() if path.startswith(top)}, archive)
        for archive, top in archives.items()
    }
    testing.write_files(tmp_path / "packed", packed)
    flat = {path.replace("/free-9/", "/"): data for path, data in files.items()}
    testing.write_files(tmp_path / "plain", flat)
    found = read(name, tmp_path / "packed")
    assert found == read(name, tmp_path / "plain")
    assert len(found) >= 4
