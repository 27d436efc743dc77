"""How the words of the sample world's English, and the ten digits, are pronounced.

Phonemes are ARPAbet's, without stress; AX is the unstressed vowel of "a". Regular
endings ("stars", "touches", "waited", "carried") follow from the stem, by the rules
that English has for them.
"""

from __future__ import annotations

from collections.abc import Iterator

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

_WORDS = """
a AX; above AX B AH V; admire AX D M AY R; ago AX G OW; always AO L W EY Z; an AE N;
and AE N D; appear AX P IH R; are AA R; arrow AE R OW; asleep AX S L IY P;
at AE T; attract AX T R AE K T; away AX W EY; because B IH K AO Z; behind B IH HH AY N D;
believe B IH L IY V; below B IH L OW; big B IH G; black B L AE K; blue B L UW;
brown B R AW N; but B AH T; can K AE N; carry K EH R IY; checked CH EH K T;
child CH AY L D; circle S ER K AX L; cloud K L AW D; cover K AH V ER; cross K R AO S;
dance D AE N S; day D EY; diamond D AY M AX N D; did D IH D; do D UW; does D AH Z;
dotted D AA T IH D; eight EY T; evening IY V N IH NG; every EH V R IY;
everyone EH V R IY W AH N; fall F AO L; fell F EH L; five F AY V; float F L OW T;
flower F L AW ER; follow F AA L OW; for F AO R; four F AO R; front F R AH N T;
gladly G L AE D L IY; green G R IY N; grey G R EY; hang HH AE NG; heart HH AA R T;
held HH EH L D; help HH EH L P; hid HH IH D; hide HH AY D; hold HH OW L D; hope HH OW P;
huge HH Y UW JH; hung HH AH NG; i AY; in IH N; is IH Z; know N OW; last L AE S T; lay L EY;
left L EH F T; lie L AY; light L AY T; lit L IH T; look L UH K; moon M UW N;
morning M AO R N IH NG; must M AH S T; near N IH R; next N EH K S T; night N AY T;
nine N AY N; now N AW; of AH V; often AO F AX N; on AA N; one W AH N; purple P ER P AX L;
push P UH SH; quietly K W AY AX T L IY; red R EH D; right R AY T; ring R IH NG; saw S AO;
says S EH Z; see S IY; seven S EH V AX N; several S EH V R AX L; she SH IY; shine SH AY N;
shone SH OW N; six S IH K S; sleep S L IY P; slept S L EH P T; slowly S L OW L IY;
small S M AO L; sometimes S AH M T AY M Z; soon S UW N; square S K W EH R; stand S T AE N D;
star S T AA R; stood S T UH D; stop S T AA P; striped S T R AY P T; sunday S AH N D EY;
that DH AE T; the DH AX; there DH EH R; these DH IY Z; they DH EY; think TH IH NG K;
this DH IH S; three TH R IY; tiny T AY N IY; to T UW; today T AX D EY;
tomorrow T AX M AA R OW; touch T AH CH; triangle T R AY AE NG G AX L; turn T ER N; two T UW;
up AH P; wait W EY T; wake W EY K; watch W AA CH; we W IY; week W IY K; when W EH N;
while W AY L; white W AY T; will W IH L; winter W IH N T ER; woke W OW K; year Y IH R;
yellow Y EH L OW; yesterday Y EH S T ER D EY; zero Z IH R OW
"""
_LEXICON = {
    word: tuple(phonemes) for word, *phonemes in (entry.split() for entry in _WORDS.split(";"))
}
_HISSING = ("S", "Z", "SH", "ZH", "CH", "JH")
_VOICELESS = ("P", "T", "K", "F", "TH", "S", "SH", "CH")


def pronounce(word: str) -> tuple[str, ...]:
    """Returns the phonemes of a word in lower case.

    Raises:
      KeyError: for one that the sample world does not have.
    """
    if word in _LEXICON:
        return _LEXICON[word]
    for stem in _stems(word):
        if stem in _LEXICON:
            return _LEXICON[stem] + _ending(word[-1], _LEXICON[stem][-1])
    raise KeyError(f"The sample world does not have the word {word!r}.")


def _stems(word: str) -> Iterator[str]:
    """Yields what a word ending in -s or -d may be a form of."""
    if word.endswith(("ies", "ied")):
        yield f"{word[:-3]}y"
    if word.endswith(("s", "d")):
        # "danced" of "dance", "waited" of "wait", "stopped" of "stop".
        yield from (word[:-1], word[:-2], word[:-3])


def _ending(letter: str, last: str) -> tuple[str, ...]:
    """Returns how -s or -d sounds after a stem's last phoneme."""
    if letter == "s":
        if last in _HISSING:
            return ("IH", "Z")
        return ("S",) if last in _VOICELESS else ("Z",)
    if last in ("T", "D"):
        return ("IH", "D")
    return ("T",) if last in _VOICELESS else ("D",)
