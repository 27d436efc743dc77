"""A MAT-file that scipy.io.savemat wrote, compressed and not, whole and damaged."""

import pathlib
import zlib

import pytest

from t2t_mm.problems.ilsvrc import matlab

COMPRESSED = (pathlib.Path(__file__).parent / "meta.mat").read_bytes()


def unpacked():
    """Returns the same file without compression."""
    header, place, parts = COMPRESSED[:128], 128, []
    while place < len(COMPRESSED):
        size = int.from_bytes(COMPRESSED[place + 4 : place + 8], "little")
        parts.append(zlib.decompress(COMPRESSED[place + 8 : place + 8 + size]))
        place += 8 + size
    return header + b"".join(parts)


@pytest.mark.parametrize("data", [COMPRESSED, unpacked()])
def test_structures(data):
    found = matlab.structures(data, "synsets")
    assert [(one["ILSVRC2012_ID"], one["WNID"]) for one in found] == [
        (1, "n02119789"),
        (2, "n01440764"),
        (3, "n02422106"),
        (1001, "n00001740"),
    ]
    assert found[0] == {
        "ILSVRC2012_ID": 1,
        "WNID": "n02119789",
        "words": "kit fox, Vulpes macrotis",
        "gloss": "small grey fox",
        "num_children": 0,
        "children": None,
        "wordnet_height": 0,
        "num_train_images": 1300,
    }
    assert found[1]["gloss"] == ""
    assert found[3]["children"] == 2  # the first of its two numbers


def test_an_array_that_is_not_there():
    for name in ("x", "nothing"):  # x is an array, of numbers
        with pytest.raises(ValueError, match=f"no array of structures named '{name}'"):
            matlab.structures(COMPRESSED, name)


@pytest.mark.parametrize(
    "data",
    [b"", b"MATLAB 7.3 MAT-file", COMPRESSED[:126] + b"MI" + COMPRESSED[128:], COMPRESSED[:-40]],
)
def test_no_such_file(data):
    with pytest.raises(ValueError, match="not a little-endian MAT-file of version 5|cut short"):
        matlab.structures(data, "synsets")


def test_damage_is_an_error_of_one_kind():
    data = unpacked()
    for place in range(128, len(data), 7):
        harmed = bytearray(data)
        harmed[place] ^= 0x55
        try:
            matlab.structures(bytes(harmed), "synsets")
        except ValueError:
            continue
