"""The runs that are there: listed, pinned, pushed to others and pulled from them."""
