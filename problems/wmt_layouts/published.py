"""The files of WMT on its servers: sizes and sha256 as TensorFlow Datasets has them.

The texts of 2014 between English and German or French, and those of 2019 between German and
French. The test set of 2021 has an md5 only, that of sacreBLEU.
"""

from __future__ import annotations

from t2t_mm.downloads.declaration import Download

_WMT = "http://www.statmt.org"
_DATA = "http://data.statmt.org"

TEST_SETS = Download(
    f"{_DATA}/wmt19/translation-task/dev.tgz",
    38_654_961,
    "7a7deccf82ebb05ba508dba5eb21356492224e8f630ec4f992132b029b4b25e7",
)
"""newstest2013 and newstest2014 among others."""

NEWSTEST_2021 = Download(
    "https://data.statmt.org/wmt21/translation-task/test.tgz",
    md5="32e7ab995bc318414375d60f0269af92",
    path="wmt21-test.tgz",
)

EUROPARL = Download(
    f"{_WMT}/wmt13/training-parallel-europarl-v7.tgz",
    657_632_379,
    "0224c7c710c8a063dfd893b0cc0830202d61f4c75c17eb8e31836103d27d96e7",
)
COMMON_CRAWL = Download(
    f"{_WMT}/wmt13/training-parallel-commoncrawl.tgz",
    918_311_367,
    "c7a74e2ea01ac6c920123108627e35278d4ccb5701e15428ffa34de86fa3a9e5",
)
NEWS_COMMENTARY = Download(
    f"{_WMT}/wmt14/training-parallel-nc-v9.tgz",
    80_418_416,
    "cb8953f292298e6877ae433c98912b927cb0766b303f4540512ddd286c748485",
)
UN = Download(
    f"{_WMT}/wmt13/training-parallel-un.tgz",
    2_365_634_246,
    "29141b5c1eba149a94f7a59d3b1a834b2e47fe0f8758d68dcd77a3d3f497ee47",
)
GIGA = Download(
    f"{_WMT}/wmt10/training-giga-fren.tar",
    2_595_102_720,
    "3ff8319f6919393520559bfbc7ad6a747ec81b3abc7be9993b338d4b017b4d9a",
)

_BITEXTS = {
    "commoncrawl.de.gz": (
        33_273_148,
        "1bbbc4502130dd8152286cb0b8cadeeaeb4eff5b3f8cf1e710f6c023733cf5da",
    ),
    "commoncrawl.fr.gz": (
        32_607_032,
        "cf4e89b6a8058243d7d91a978624b124f1e3a47dea4e124a7e25085e2455a5a6",
    ),
    "de-fr.bicleaner07.de.gz": (
        216_045_091,
        "cc71eb1f4772acc12314827d91fbaea6a5a73678b97b1a699fb9505430c23bc8",
    ),
    "de-fr.bicleaner07.fr.gz": (
        212_226_219,
        "c5c6c94c8c0d574fa93a8ed57f5a43baf2cf77844bb77bc0d81dbbae77444e52",
    ),
    "europarl-v7.de.gz": (
        97_417_749,
        "6850fac194d2cf74a732588ac78b04488a63b79c5481779e77cbab7d0e655a1e",
    ),
    "europarl-v7.fr.gz": (
        93_157_785,
        "a065d9e973cd126f0fe72437e2ae03af0cb4b102d51f711e7985034daf60de96",
    ),
}
BITEXTS = tuple(
    Download(
        f"{_DATA}/wmt19/translation-task/fr-de/bitexts/{name}",
        size,
        sha256,
        path=f"fr-de/bitexts/{name}",
    )
    for name, (size, sha256) in _BITEXTS.items()
)
NEWS_COMMENTARY_DE_FR = Download(
    f"{_DATA}/news-commentary/v14/training/news-commentary-v14.de-fr.tsv.gz",
    33_904_548,
    "31a7735fe2ae6d6841847fdebb5aed03d5da1c15500695154d3c35d40c29cb09",
)
