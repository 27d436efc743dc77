import pytest

from t2t_mm import errors
from t2t_mm.downloads.declaration import Download

URL = "https://corpora.example/files/a%20b.tar.gz?x=1"


def test_the_name_is_the_last_part_of_the_url():
    assert Download(URL).name == "a b.tar.gz"
    assert Download(URL, path="data/a.tar.gz").name == "data/a.tar.gz"
    assert Download(URL, mirrors=("http://m.example/a",)).urls == (URL, "http://m.example/a")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"url": "ftp://corpora.example/a"}, "not one of http or https"),
        ({"url": "https:///a"}, "not one of http or https"),
        ({"mirrors": ("a.example",)}, "not one of http or https"),
        ({"mirrors": "http://a.example/a"}, "mirrors is a string"),
        ({"size": 0}, "its size"),
        ({"sha256": "ABC"}, "its sha256"),
        ({"md5": "0" * 31}, "its md5"),
        ({"path": "../a"}, "none below"),
        ({"path": "/a"}, "none below"),
        ({"path": ".a"}, "none below"),
        ({"path": "checksums.json"}, "none below"),
        ({"url": "https://corpora.example/"}, "none below"),
    ],
)
def test_what_cannot_be_right_is_refused(wrong, words):
    with pytest.raises(errors.PluginError, match=words):
        Download(**{"url": URL, **wrong})
