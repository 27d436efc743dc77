"""Problems in general, for whoever has pictures in folders, tables, or sets of TFDS."""
