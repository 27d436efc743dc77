"""Trainings of a few steps: most of their time would go into optimising graphs."""

import pytest
import tensorflow as tf


@pytest.fixture(autouse=True, scope="package")
def _plain_graphs():
    """Runs graphs as they were traced, which halves the time to a first step."""
    before = tf.config.optimizer.get_experimental_options()
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    yield
    tf.config.optimizer.set_experimental_options(
        {"disable_meta_optimizer": before.get("disable_meta_optimizer", False)}
    )
