"""Which rows train and which are tested, and how that is proved.

Every method cuts by time, never by row: one moment of a panel is never cut in two. What a row
covers (``windows``) goes from its time to when its label is known, or to ``purge`` times later if
that is further; and for every method there is one rule of what may train: the window of a training
row and that of a test row lie more than ``embargo`` times apart. ``walk_forward`` asks beside it
that the training lies before the test, ``grouped`` that no group is on both sides.
"""
