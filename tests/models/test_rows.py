import dataclasses

from t2t_mm.modality import Categorical, Image, Language
from t2t_mm.models import rows
from tests.models.conftest import make_model, make_task


class Pieces:
    size = 3
    sha256 = "0" * 64
    pieces = ("<pad>", "</s>", "a")


def tasks():
    both = {"image": Image(size=32), "question": Language()}
    made = [
        make_task("vqa", both, Language(), "to-answer"),
        make_task("pictures", {"image": Image(size=32)}, Categorical(classes=("x", "y")), "to-a"),
        make_task("more", {"image": Image(size=32)}, Categorical(classes=("z",)), "to-a"),
    ]
    return [dataclasses.replace(task, vocabularies={"mm_8k": Pieces()}) for task in made]


def test_names_are_sorted_and_occur_once():
    assert rows.names(tasks()) == {
        "commands": ("to-a", "to-answer"),
        "inputs": ("image", "question"),
        "language_mm_8k": ("<pad>", "</s>", "a"),
        "categorical_pictures": ("x", "y"),
        "categorical_more": ("z",),
    }


def test_marks_are_for_tasks_of_several_inputs_only():
    assert "inputs" not in rows.names(tasks()[1:])


def test_a_models_tables_have_a_row_for_each_name():
    names = rows.names(tasks())
    for tie in (True, False):
        model = make_model("transformer", tasks(), tie_embeddings=tie)
        tables = model.tables()
        assert {table.rows for table in tables} == set(names)
        for table in tables:
            assert table.variable.shape[table.axis] == len(names[table.rows])
        # The text's embedding, and untied also the matrix and bias of its softmax.
        assert sum(table.rows == "language_mm_8k" for table in tables) == (1 if tie else 3)
