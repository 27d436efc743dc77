"""What the problems of recorded sentences share, and how their corpora are read."""
