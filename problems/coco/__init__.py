"""How COCO, and corpora over its photos, keep annotations and pictures."""
