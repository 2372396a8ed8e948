"""The front desk: flags in, text or JSON out, exit codes. No logic lives here.

stdout is the result, stderr is talk; with ``--format json`` stdout carries one JSON document.
An error says what was wrong, where, and what to do next; a traceback goes to a file.
Nothing that a user supplied is ever read as markup or wrapped.
"""
