"""One module a revision, in the order that their names and `down_revision` give."""
