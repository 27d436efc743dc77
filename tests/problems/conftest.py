"""What a whole way from raw files to answers needs, on however small a scale."""

import itertools

from t2t_mm import registry
from t2t_mm.data import manifest, records

SIZES = [
    "Batching.batch_tokens = 512",
    "Batching.batch_examples = 4",
    "Batching.max_length = 128",
    "DecodeSettings.max_length = 6",
    "TrainSettings.eval_examples = 4",
    "TrainSettings.log_every = 1000",
    "TrainSettings.save_every = 1000",
    "TrainSettings.precision = 'float32'",
    "TrainSettings.model = 'transformer'",
    "TransformerConfig.width = 16",
    "TransformerConfig.filter_width = 16",
    "TransformerConfig.heads = 2",
    "TransformerConfig.encoder_layers = 1",
    "TransformerConfig.decoder_layers = 1",
    "TransformerConfig.entry_widths = (4, 4, 8, 8)",
    "TransformerConfig.exit_widths = (16, 16)",
]


def examples(data_dir, name, split, count):
    """Returns the first records of a split, a tuple of values a feature."""
    version = registry.problems.get(name).version
    files = manifest.Manifest.load(data_dir, name, version).files(split)
    found = itertools.chain.from_iterable(map(records.read_values, files))
    return list(itertools.islice(found, count))


def given(task, split, count):
    """Returns the inputs of the first records of a split, as a user gives them."""
    return [
        {
            name: example[name][0].decode() if declared.kind == "language" else example[name][0]
            for name, declared in task.inputs.items()
        }
        for example in examples(task.data_dir, task.name, split, count)
    ]
