"""mm-inspect: the answer, the terminal, the page, and what goes wrong."""

import base64
import html.parser
import io
import json

import pytest
import rich.console
from PIL import Image as pillow

from t2t_mm import errors, vocabulary
from t2t_mm.bin import inspect as command
from t2t_mm.modality import Categorical, Image, Language
from t2t_mm.problem import Problem, register_problem
from t2t_mm.reports import inspect, inspect_html, inspection

HOSTILE = "<script>alert('x')</script> \x1b[31m & \"quoted\""


def picture(width=40, height=30, kind="PNG", mode="RGB"):
    data = io.BytesIO()
    pillow.new(mode, (width, height), 200).save(data, kind)
    return data.getvalue()


class Asking(Problem):
    inputs = {"image": Image(size=32), "question": Language(vocab="tiny")}
    targets = Categorical()
    command = "to-answer"

    def generate_examples(self, split, files):
        raise NotImplementedError


@pytest.fixture
def data_dir(registries, write_data):
    register_problem("asking")(Asking)
    examples = [
        {
            "image": picture(40 + i, 60, "JPEG" if i % 2 else "PNG", "L" if i % 3 else "RGB"),
            "question": b"what is it" + b" then" * i,
            "targets": b"cat" if i % 3 else b"dog",
        }
        for i in range(9)
    ]
    examples[0]["question"] = HOSTILE.encode()
    splits = {"train": examples, "validation": examples[:2]}
    return write_data("asking", splits, classes=("cat", "dog"))


def test_the_answer(data_dir):
    answer = json.loads(json.dumps(inspection.inspect("asking", data_dir, examples=3).describe()))
    assert answer["counts"] == {
        "splits": {"train": 9, "validation": 2},
        "read": 9,
        "classes": {"targets": {"cat": 6, "dog": 3}},
    }
    assert len(answer["examples"]) == 3
    first = answer["examples"][0]
    assert first["key"] == "train/0"
    assert first["question"] == HOSTILE
    assert first["targets"] == "dog"
    assert first["image"]["format"] == "PNG"
    assert (first["image"]["width"], first["image"]["height"]) == (40, 60)
    assert answer["lengths"]["image"]["unit"] == "pixels (shorter side)"
    assert (answer["lengths"]["image"]["min"], answer["lengths"]["image"]["max"]) == (40, 48)
    assert answer["lengths"]["question"]["unit"] == "characters"
    assert answer["lengths"]["question"]["max"] == len("what is it" + " then" * 8)


def test_texts_over_their_declared_limit_are_counted(registries, write_data):
    limited = {"inputs": {"question": Language(vocab="tiny", max_length=6)}}
    register_problem("limited")(type("Limited", (Asking,), limited))
    words = vocabulary.build("tiny", ["what is it then"] * 30, size=280)
    texts = [b"what" + b" then" * number for number in range(9)]
    examples = [{"question": text, "targets": b"cat"} for text in texts]
    data_dir = write_data("limited", {"train": examples}, classes=("cat",))
    words.save(data_dir / "vocabularies" / "tiny")
    long = sum(len(words.encode(text.decode())) + 1 > 6 for text in texts)
    found = inspection.inspect("limited", data_dir)
    assert 0 < long < 9
    assert found.describe()["lengths"]["question"]["too_long"] == long
    console = rich.console.Console(file=io.StringIO(), width=120)
    inspect.show(found, console=console)
    assert f"longer than its limit of 6: {long}" in console.file.getvalue()


def test_text_is_measured_in_pieces_where_there_is_a_vocabulary(data_dir):
    words = vocabulary.build("tiny", ["what is it then"] * 30, size=280)
    words.save(data_dir / "vocabularies" / "tiny")
    lengths = inspection.inspect("asking", data_dir, split="validation").lengths["question"]
    assert lengths.unit == "tokens"
    counts = [len(words.encode(t)) + 1 for t in (HOSTILE, "what is it then then")]
    assert lengths.maximum == max(counts)


def test_unknown_split_and_no_data(data_dir, tmp_path):
    with pytest.raises(errors.ConfigError, match="Did you mean 'train'"):
        inspection.inspect("asking", data_dir, split="trian")
    with pytest.raises(errors.DataError, match="mm-datagen --problem=asking"):
        inspection.inspect("asking", tmp_path / "none")


def test_a_damaged_file_is_named(data_dir):
    path = next(data_dir.glob("asking/*/train-00001*"))
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(errors.DataError, match=path.name):
        inspection.inspect("asking", data_dir)


def test_a_record_of_another_declaration(registries, write_data):
    register_problem("asking")(Asking)
    folder = write_data("asking", {"train": [{"image": picture()}]}, classes=("x",))
    with pytest.raises(errors.DataError, match="has no feature 'question'"):
        inspection.inspect("asking", folder)


def shown(found, **options):
    stream = io.StringIO()
    console = rich.console.Console(file=stream, width=100, **options)
    inspect.show(found, console=console)
    return stream.getvalue()


def test_a_pipe_gets_plain_text(data_dir):
    text = shown(inspection.inspect("asking", data_dir))
    assert "\x1b" not in text  # neither colours nor what the data holds
    assert "▀" not in text
    assert "train 9, validation 2" in text
    assert "PNG, colour, 40 x 60" in text
    assert "<script>alert('x')</script> \\x1b[31m" in text


def test_a_terminal_gets_pictures(data_dir):
    found = inspection.inspect("asking", data_dir)
    assert "▀" in shown(found, force_terminal=True, color_system="truecolor")


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.sources, self.words = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        found = dict(attributes)
        self.sources += [found[name] for name in ("src", "href") if name in found]

    def handle_data(self, data):
        self.words.append(data)


def test_the_page_is_whole_in_itself_and_escaped(data_dir):
    found = inspection.inspect("asking", data_dir)
    text = inspect_html.page(found)
    page = Page(text)
    assert "script" not in page.tags
    assert HOSTILE in "".join(page.words)
    assert page.tags.count("img") == 5
    assert page.tags.count("svg") == 3
    for source, example in zip(page.sources, found.examples, strict=True):
        head, _, body = source.partition(",")
        assert head in ("data:image/png;base64", "data:image/jpeg;base64")
        assert base64.b64decode(body) == example.values["image"]
    assert "http" not in text


def test_the_command_writes_the_page_and_the_answer(data_dir, tmp_path, capsys):
    page = tmp_path / "new" / "page.html"
    arguments = ["--problem=asking", f"--data_dir={data_dir}", "--examples=2", "--json"]
    assert command.main([*arguments, f"--html={page}"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert set(answer) >= {"examples", "lengths", "counts"}
    assert len(answer["examples"]) == 2
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--problem=askin"], "Did you mean 'asking'"),
        (["--problem=asking", "--split=tests"], "no split 'tests'"),
        (["--problem=asking,asking2"], "one problem at a time"),
        (["--problem=asking", "--exmples=3"], "Did you mean"),
    ],
)
def test_wrong_requests_end_in_one_line(data_dir, capsys, arguments, message):
    register_problem("asking2")(type("Asking2", (Asking,), {}))
    assert command.main([*arguments, f"--data_dir={data_dir}"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert len(captured.err.strip().splitlines()) == 1
