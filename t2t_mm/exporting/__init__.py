"""From a trained run to SavedModels that load with tensorflow and tensorflow-text alone."""
