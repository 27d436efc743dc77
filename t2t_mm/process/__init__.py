"""The process: standard streams, signals, memory, processors, and TensorFlow's log lines."""
