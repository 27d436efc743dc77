"""Text, as pieces of a shared SentencePiece vocabulary."""
