"""What a declaration takes, and what it makes of raw values."""

import io

import numpy as np
import pytest
from PIL import Image as pillow

from t2t_mm import errors
from t2t_mm.modality import Categorical, Image, Language


def test_a_picture_given_as_text_is_refused():
    with pytest.raises(errors.BadExampleError, match="neither a path nor encoded bytes.*pathlib"):
        Image().encode("pictures/cat.png")


def test_a_picture_is_fitted_to_the_square_in_one_of_two_ways():
    assert Image().fit == "crop"
    with pytest.raises(errors.ConfigError, match=r"Image\.fit .* 'padd'\. .*crop, pad"):
        Image(fit="padd")


def test_deep_grey_is_scaled_not_clipped():
    levels = np.linspace(0, 65_535, 64 * 64).round().astype(np.uint16).reshape(64, 64)
    given = io.BytesIO()
    pillow.fromarray(levels).save(given, "PNG")
    kept = pillow.open(io.BytesIO(Image(size=64).encode(given.getvalue())))
    assert kept.mode == "L"
    np.testing.assert_array_equal(np.asarray(kept), (levels / 257).round())


def test_a_text_has_room_for_a_token_and_its_end():
    assert Language(max_length=2).max_length == 2
    with pytest.raises(errors.ConfigError, match=r"Language\.max_length .* 1\."):
        Language(max_length=1)


@pytest.mark.parametrize(
    ("classes", "words"),
    [(("a", "b", "a"), "The class 'a' is named twice"), (("a", ""), "A class has no name")],
)
def test_each_class_has_a_name_of_its_own(classes, words):
    with pytest.raises(errors.ConfigError, match=words):
        Categorical(classes=classes)


def test_a_class_is_the_same_with_spaces_around_it_and_in_another_form_of_unicode():
    free = Categorical()
    assert free.encode(" cafe\u0301\t") == free.encode("caf\u00e9") == b"caf\xc3\xa9"
    declared = Categorical(classes=("cafe\u0301", "tea"))
    assert declared.encode(" caf\u00e9") == b"cafe\xcc\x81"  # as it is declared
    with pytest.raises(errors.ConfigError, match="named twice"):
        Categorical(classes=("tea", "tea "))
    # Records made before this rule hold both.
    assert free.with_classes(("tea", "tea ")).classes == ("tea", "tea ")
