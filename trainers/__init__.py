"""Trainers: one module and one declaration (the JSON file beside it) for each model family.

They are plugins: the built-in ones register by entry point exactly as a third party's would.
Importing a trainer's module must not import its library; that happens in ``load_library``.
"""
