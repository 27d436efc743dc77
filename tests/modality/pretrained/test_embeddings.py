"""Tables of token embeddings: which row a piece takes, and what is trained of them."""

import json
import os
import pathlib
import types

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm import errors
from t2t_mm.layers import base
from t2t_mm.modality import Language
from t2t_mm.modality.pretrained import TokenEmbeddings, embeddings

PIECES = ("<pad>", "</s>", "<unk>", "▁the", "▁dogs", "<0x0A>")
TOKENS = ("<unk>", "Ġthe", "Ġdog", "s")
SIZES = types.SimpleNamespace(width=6, label_smoothing=0.1, tie_embeddings=True)


def make(net, pieces=PIECES, kept=None):
    words = types.SimpleNamespace(size=len(pieces), pieces=list(pieces))
    task = types.SimpleNamespace(vocabularies={"words": words})
    return embeddings.TableNet(net, Language("words"), task, SIZES, kept=kept, name="text")


@pytest.fixture
def files(tmp_path):
    np.save(tmp_path / "table.npy", np.array([[9, 9], [2, 0], [0, 4], [0, 2]], "f4"))
    (tmp_path / "tokens.txt").write_text("\n".join(TOKENS) + "\n")
    return {"weights": str(tmp_path / "table.npy"), "tokens": str(tmp_path / "tokens.txt")}


@pytest.mark.parametrize("frozen", [False, True])
def test_pieces_take_rows_by_their_text_and_others_are_trained(files, frozen):
    net = make(TokenEmbeddings(**files, frozen=frozen))
    said = []
    net.load("text", said.append)
    assert "of 6 pieces 1 are tokens" in said[0] and "1 are made of some, 4 begin anew" in said[0]
    # "▁the" is [2, 0]; "▁dogs" the mean of [0, 4] and [0, 2], [0, 3]. Their mean square norm is
    # (4 + 9) / 2 = 6.5, by whose root both are divided.
    expected = np.array([[2, 0], [0, 3]]) / 6.5**0.5
    np.testing.assert_allclose(net.table()[3:5], expected, rtol=1e-6)
    assert len(net.record["weights"]["sha256"]) == 64
    ids = tf.constant([[3, 4, 1, 0], [4, 5, 1, 0]])
    with tf.GradientTape() as tape:
        hidden = net.bottom(ids, base.Rng([1, 2])).x
        assert hidden.shape == (2, 4, 6)
        loss = net.loss(hidden, ids, training=True).loss
    trained = net.trainable_variables
    gradients = tape.gradient(loss, [variable.value for variable in trained])
    assert all(np.any(gradient) for gradient in gradients)
    shapes = {tuple(variable.shape) for variable in trained}
    assert shapes == {(2, 6), (4, 2) if frozen else (6, 2)}
    assert net.logits(hidden[0]).shape == (4, 6)


def test_a_run_is_read_without_the_files(files):
    before = make(TokenEmbeddings(**files, frozen=True))
    for path in files.values():
        pathlib.Path(path).unlink()
    after = make(TokenEmbeddings(**files, frozen=True), kept=json.loads(json.dumps(before.record)))
    assert [v.shape for v in after.variables] == [v.shape for v in before.variables]
    with pytest.raises(errors.ConfigError, match="no file or folder"):
        make(TokenEmbeddings(**files))


def test_tables_that_do_not_fit_are_refused(files, tmp_path):
    np.save(files["weights"], np.ones((3, 2)))
    with pytest.raises(errors.ConfigError, match=r"a table \[3, 2\], and 4 tokens"):
        make(TokenEmbeddings(**files))
    np.save(files["weights"], np.ones(3))
    with pytest.raises(errors.ConfigError, match=r"a tensor \[3\]. Expected: \[tokens, width\]"):
        make(TokenEmbeddings(**files))
    np.save(files["weights"], np.ones((4, 2)))
    (tmp_path / "tokens.json").write_text("{}")
    with pytest.raises(errors.ConfigError, match="holds no tokens"):
        make(TokenEmbeddings(files["weights"], str(tmp_path / "tokens.json")))


@pytest.mark.real_data
def test_the_real_embeddings_of_wordllama():
    folder = pathlib.Path(os.environ.get("T2T_MM_WORDLLAMA", "wordllama"))
    table = folder / "weights" / "l2_supercat_256.safetensors"
    if not table.is_file():
        pytest.skip("T2T_MM_WORDLLAMA names no unpacked wheel of wordllama")
    pytest.importorskip("safetensors")
    tokens = folder / "tokenizers" / "l2_supercat_tokenizer_config.json"
    pieces = ("<pad>", "</s>", "<unk>", "▁dog", "▁cat", "▁to", "▁castles", "<0x0A>", "ß")
    net = make(TokenEmbeddings(str(table), str(tokens), frozen=True), pieces)
    said = []
    net.load("text", said.append)
    # All but padding, end and unknown are tokens there, or "▁castles" made of some.
    assert "of 9 pieces 5 are tokens" in said[0] and "1 are made of some, 3 begin anew" in said[0]
    assert net.record["own"] == [0, 1, 2] and net.embedding_width == 256
    dog, cat, to = net.table().numpy()[3:6]
    norms = [np.linalg.norm(row) for row in (dog, cat, to)]
    likeness = dog @ cat / (norms[0] * norms[1]), dog @ to / (norms[0] * norms[2])
    assert likeness[0] > 2 * likeness[1]  # 0.135 and 0.044
