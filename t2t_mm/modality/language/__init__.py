"""Text, tokenized by a shared SentencePiece vocabulary."""
