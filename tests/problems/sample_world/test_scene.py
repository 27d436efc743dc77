from t2t_mm.problems.sample_world import scene


def some(split, count, seed=0):
    return [scene.draw(seed, split, number) for number in range(count)]


def test_a_scene_depends_on_seed_split_and_number_alone():
    assert scene.draw(3, "train", 41) == scene.draw(3, "train", 41) == some("train", 50, seed=3)[41]
    assert some("train", 50) != some("train", 50, seed=1)


def test_the_splits_share_no_scene():
    train, validation, test = (
        set(some(split, count))
        for split, count in (("train", 3000), ("validation", 300), ("test", 300))
    )
    assert not train & validation
    assert not train & test
    assert not validation & test
    assert len(train) > 2990
    assert len(test) == 300


def test_every_shape_frame_and_tense_occurs():
    scenes = some("train", 1000)
    assert {what.first.subject.shape for what in scenes} == set(scene.SHAPES)
    assert {what.first.tense for what in scenes} == set(scene.TIMES)
    assert {what.frame for what in scenes} == {
        "statement", "question", "report", "pair", "relative", "existence",
    }  # fmt: skip


def test_times_fit_their_tense():
    for what in some("train", 1000):
        for clause in filter(None, (what.first, what.second)):
            assert not clause.time or clause.time in scene.TIMES[clause.tense]


def test_a_thing_counts_as_its_determiner_says():
    for what in some("train", 500):
        thing = what.first.subject
        assert (thing.count > 1) == thing.plural


def test_labelled_scenes_are_of_the_classes_of_pictures():
    labels = [scene.draw(0, "train", number, labelled=True).label for number in range(400)]
    assert set(labels) == set(scene.LABELS)
    assert len(set(scene.LABELS)) == 16
