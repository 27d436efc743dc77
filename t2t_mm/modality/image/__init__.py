"""Pictures, as square grids of pixels."""
