"""The worker's side of data work: files → panel → features, target → samples → folds → metrics.

    (csv_layout ─→ cells | arrow_file ─→ arrow_values) ─→ reading ─→ table

    table ─→ panel ─┬→ digest, summary
                    ├→ features ─┐
                    └→ targets ──┴→ samples ─┬→ splits ─→ (a trainer) ─→ evaluation
                                             └→ leakage

Everything is a pure function of bytes and resolved configuration: no clock, no environment, no
generator (what is drawn is a digest of a seed that was asked for), no file is opened here.
``formulas``, ``locate``, ``merkle``, ``metric_names`` and ``time_formats`` need no more than the
standard library and the log's digests, so that the notary may import them; the rest needs numpy,
``zoned_times`` alone pandas, and ``arrow_file`` and ``arrow_values`` alone pyarrow.
"""
