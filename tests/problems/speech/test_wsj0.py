import pytest

from t2t_mm.problems.speech import wsj0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The sale of Mr. Roe's one-stop shop", "the sale of mr roe's one stop shop"),
        ("[loud_breath] He [<door_slam] left . [phone_ring/] at [/phone_ring] once~",
         "he left at once"),
        ("They *reconnoitred* !not the <a> lo:ng way", "they reconnoitred not the a long way"),
        ("It is fi- five aca(demic)- years (mis)takes", "it is five years"),
        (r"Sales rose ,COMMA it said .PERIOD \"DOUBLE-QUOTE No \"END-QUOTE --DASH \(LEFT-PAREN",
         "sales rose comma it said period double quote no end quote dash left paren"),
        (r"ten .POINT four \%PERCENT AT\&T \'SINGLE-QUOTE don\'t :COLON -HYPHEN {LEFT-BRACE",
         "ten point four percent at t single quote don't colon hyphen left brace"),
        ("[tongue_click]", ""),
    ],
)  # fmt: skip
def test_dot_transcripts_become_words(text, words):
    assert wsj0.spoken(text) == words
