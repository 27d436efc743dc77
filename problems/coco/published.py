"""The files of COCO and VQA v2 on their servers, with the hashes that are known of them."""

from __future__ import annotations

from t2t_mm.downloads.declaration import Download

_COCO = "http://images.cocodataset.org"
_VQA = "https://s3.amazonaws.com/cvmlp/vqa/mscoco/vqa"

# Sizes and sha256 as TensorFlow Datasets has them.
ANNOTATIONS_2017 = Download(
    f"{_COCO}/annotations/annotations_trainval2017.zip",
    252_907_541,
    "113a836d90195ee1f884e704da6304dfaaecff1f023f49b6ca93c4aaae470268",
)
TRAIN_2017 = Download(
    f"{_COCO}/zips/train2017.zip",
    19_336_861_798,
    "69a8bb58ea5f8f99d24875f21416de2e9ded3178e903f1f7603e283b9e06d929",
)
VAL_2017 = Download(
    f"{_COCO}/zips/val2017.zip",
    815_585_330,
    "4f7e2ccb2866ec5041993c9cf2a952bbed69647b115d0f74da7ce8f4bef82f05",
)
TRAIN_2014 = Download(
    f"{_COCO}/zips/train2014.zip",
    13_510_573_713,
    "ede4087e640bddba550e090eae701092534b554b42b05ac33f0300b984b31775",
)
VAL_2014 = Download(
    f"{_COCO}/zips/val2014.zip",
    6_645_013_297,
    "fe9be816052049c34717e077d9e34aa60814a55679f804cd043e3cbee3b9fde0",
)

# The authors publish no hashes; these are those of ParlAI, which reads the same files.
QUESTIONS_TRAIN = Download(
    f"{_VQA}/v2_Questions_Train_mscoco.zip",
    7_239_401,
    "05a64b6e2582d06d7585f5429674a9a33851878be1bff9f8668cdcf792df611e",
)
QUESTIONS_VAL = Download(
    f"{_VQA}/v2_Questions_Val_mscoco.zip",
    3_494_929,
    "e71f6c5c3e97a51d050f28243e262b28cd0c48d11a6b4632d769d30d3f93222a",
)
ANSWERS_TRAIN = Download(
    f"{_VQA}/v2_Annotations_Train_mscoco.zip",
    21_708_861,
    "fb101bcefe91422c543c2bb6d70af11eb3119d0ff745ae283d09acdf66250853",
)
ANSWERS_VAL = Download(
    f"{_VQA}/v2_Annotations_Val_mscoco.zip",
    10_518_930,
    "0caae7c8d1dafd852727f5ac046bc1efca9b72026bd6ffa34fc489f3a7b3291e",
)
