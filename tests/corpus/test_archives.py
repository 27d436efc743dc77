"""Tar files read where they lie, and what is said of those that are wrong."""

import io
import os
import pathlib
import pickle
import tarfile

import pytest

from t2t_mm import errors, testing
from t2t_mm.corpus import archives

FILES = {
    "n01/cat_1.JPEG": b"meow" * 200,
    "./n01/cat 2.JPEG": b"",
    "n02/" + "long/" * 40 + "höhe.jpeg": b"x" * 512,
}
NAMES = ["n01/cat_1.JPEG", "n01/cat 2.JPEG", list(FILES)[2]]
OPEN_FILES = pathlib.Path("/proc/self/fd")
PACKINGS = ["", "gz", "bz2", "xz"]


@pytest.fixture
def write(tmp_path):
    """Returns a function that writes a file and gives its path."""

    def write(content, name="pictures.tar"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def special(name, kind, target=""):
    """A member without content: a link, a device, a folder."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def tar_of(*members):
    """A tar of such members, and of a file behind them."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        for member in members:
            archive.addfile(member)
        last = tarfile.TarInfo("file")
        last.size = 4
        archive.addfile(last, io.BytesIO(b"here"))
    return held.getvalue()


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_members_are_read_where_they_lie(write, form, monkeypatch):
    monkeypatch.setattr(tarfile.TarFile, "format", form)
    path = write(testing.tar(FILES))
    parts = list(archives.members(path))
    assert [part.member for part in parts] == NAMES
    assert [part.read_bytes() for part in parts] == list(FILES.values())
    assert [part.size for part in parts] == [800, 0, 512]
    first = parts[0]
    assert (first.name, first.stem, first.suffix) == ("cat_1.JPEG", "cat_1", ".JPEG")
    assert first.parent == pathlib.PurePosixPath("n01")
    assert str(first) == f"{path}/n01/cat_1.JPEG"


def test_a_part_can_be_sent_to_another_process_and_be_a_key(write):
    parts = list(archives.members(write(testing.tar(FILES))))
    again = pickle.loads(pickle.dumps(parts))
    assert again == parts
    assert again[0].read_bytes() == b"meow" * 200
    assert len({*parts, *again}) == 3


def test_a_tar_in_a_tar(write):
    inner = {f"n0{n}.tar": testing.tar({f"n0{n}_{i}.JPEG": b"%d" % i for i in range(n)})
             for n in range(1, 4)}  # fmt: skip
    classes = list(archives.members(write(testing.tar(inner))))
    assert [part.stem for part in classes] == ["n01", "n02", "n03"]
    photos = [[p.stem for p in part.members()] for part in classes]
    assert photos == [["n01_0"], ["n02_0", "n02_1"], ["n03_0", "n03_1", "n03_2"]]
    assert [part.read_bytes() for part in classes[2].members()] == [b"0", b"1", b"2"]


@pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="counts open files as Linux does")
def test_no_file_is_open_between_two_members(write):
    path = write(testing.tar({f"{n}.tar": testing.tar({"a": b"a", "b": b"b"}) for n in range(50)}))
    before = len(list(OPEN_FILES.iterdir()))
    walking = [part.members() for part in archives.members(path)]
    assert [next(members).read_bytes() for members in walking] == [b"a"] * 50
    assert len(list(OPEN_FILES.iterdir())) == before
    assert [next(members).read_bytes() for members in walking] == [b"b"] * 50


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/passwd", "a/../../evil", "..\\evil", "a/b/..", "\\evil"]
)
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE])
def test_a_tar_that_tries_to_leave_its_folder(write, name, kind):
    path = write(tar_of(special(name, kind)))
    for read in (lambda: list(archives.members(path)), lambda: archives.listing(path)):
        with pytest.raises(errors.DataError) as caught:
            read()
        text = str(caught.value)
        assert f"{path} holds a member that would leave the folder" in text
        assert f"the name {name!r}" in text
    assert not (path.parent.parent / "evil").exists()


def test_links_and_devices_are_passed_over(write):
    odd = [
        special("folder", tarfile.DIRTYPE),
        special("soft", tarfile.SYMTYPE, "/etc/passwd"),
        special("hard", tarfile.LNKTYPE, "../../etc/passwd"),
        special("pipe", tarfile.FIFOTYPE),
        special("disk", tarfile.BLKTYPE),
        special("terminal", tarfile.CHRTYPE),
    ]
    path = write(tar_of(*odd))
    assert [part.read_bytes() for part in archives.members(path)] == [b"here"]
    assert list(archives.listing(path)) == ["file"]


def test_a_tar_that_is_cut_short_anywhere(write):
    whole = testing.tar({"a": b"a" * 700, "b": b"", "c": b"c" * 512})
    end = 512 + 1024 + 512 + 512 + 512  # three headers, and contents in whole blocks
    assert not whole[end:].strip(b"\0")
    for size in [*range(0, end + 1, 256), 1, 100, 511, 513, end - 1]:
        with pytest.raises(errors.DataError, match=r"pictures\.tar.* (cut short|whole|empty)"):
            list(archives.members(write(whole[:size])))
        with pytest.raises(errors.DataError, match=r"pictures\.tar.* (cut short|whole|empty)"):
            archives.listing(write(whole[:size]))
    assert len(list(archives.members(write(whole[: end + 512])))) == 3


def test_a_header_that_is_damaged(write):
    damaged = bytearray(testing.tar({"a": b"a" * 512, "b": b"b"}))
    damaged[1024 + 3] ^= 1  # in the name of the second file
    with pytest.raises(errors.DataError, match="damaged or cut short after 'a'"):
        list(archives.members(write(bytes(damaged))))


@pytest.mark.parametrize(
    ("content", "seen"),
    [
        (b"<!DOCTYPE html>\n<title>404</title>" + b" " * 600, "a web page"),
        (b"PK\x03\x04" + bytes(600), "a zip archive"),
        (b"just some text\n" * 100, "begins with b'just some te'"),
        (b"", "an empty file"),
    ],
)
def test_what_is_no_tar_is_told(write, content, seen):
    path = write(content)
    for read in (lambda: list(archives.members(path)), lambda: archives.listing(path)):
        with pytest.raises(errors.DataError) as caught:
            read()
        assert str(path) in str(caught.value)
        assert seen in str(caught.value)
        assert "Expected: a tar archive, whole" in str(caught.value)


@pytest.mark.parametrize("packing", PACKINGS[1:])
def test_members_of_a_compressed_tar_cannot_be_read_one_by_one(write, packing):
    path = write(testing.tar(FILES, packing=packing))
    with pytest.raises(errors.DataError, match="is compressed.*Unpack it once, by (gun|bun|un)"):
        next(archives.members(path))


@pytest.mark.parametrize("packing", PACKINGS)
def test_texts_are_read_out_of_any_tar(write, packing):
    # A browser may have unpacked it: the name does not decide.
    path = write(testing.tar(FILES, packing=packing), "downloaded.tgz")
    held = archives.listing(path)
    assert list(held) == NAMES
    assert [size for _, size in held.values()] == [800, 0, 512]
    assert archives.first_file(path) == (NAMES[0], 800)
    for name, content in zip(NAMES, FILES.values(), strict=True):
        with archives.open_member(path, name) as stream:
            assert stream.read() == content


@pytest.mark.parametrize("packing", PACKINGS[1:])
def test_a_compressed_tar_that_is_cut_short(write, packing):
    noise = os.urandom(100_000)
    whole = testing.tar({"a": noise, "b": noise}, packing=packing)
    for size in (len(whole) // 3, len(whole) * 2 // 3):
        path = write(whole[:size], f"cut-{size}.tar.{packing}")
        with pytest.raises(errors.DataError, match=rf"cut-{size}.* is not a whole tar archive"):
            archives.listing(path)


def test_an_archive_that_has_changed_is_listed_anew(write):
    path = write(testing.tar({"a": b"1"}))
    assert list(archives.listing(path)) == ["a"]
    assert list(archives.listing(write(testing.tar({"b": b"2" * 20_000})))) == ["b"]


def test_a_part_of_an_archive_that_has_become_shorter(write):
    path = write(testing.tar({"a": b"a" * 5000}))
    (part,) = archives.members(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(errors.DataError, match="is cut short.*'a'"):
        part.read_bytes()


def test_an_archive_that_is_not_there(tmp_path):
    for read in (lambda: list(archives.members(tmp_path / "no.tar")),
                 lambda: list(archives.members(tmp_path))):  # fmt: skip
        with pytest.raises(errors.DataError, match="cannot be read"):
            read()


def test_a_head_that_would_fill_the_memory_is_refused(tmp_path):
    """A pax head of 64 MiB is 64 kB packed; tarfile alone would read all of it."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz", format=tarfile.PAX_FORMAT) as tar:
        entry = tarfile.TarInfo("a.en")
        entry.pax_headers = {"comment": "x" * (1 << 26)}
        tar.addfile(entry)
    (tmp_path / "a.tgz").write_bytes(file.getvalue())
    assert len(file.getvalue()) < 200_000
    with pytest.raises(errors.DataError, match=r"not a whole tar archive.*a head of 67,\d+"):
        archives.listing(tmp_path / "a.tgz")
