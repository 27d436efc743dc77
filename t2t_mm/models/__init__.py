"""The models. Importing this package is cheap; each model is loaded when asked for."""
