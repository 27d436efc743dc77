"""A run: its folder, its checkpoints, and a trained model taken from them."""
