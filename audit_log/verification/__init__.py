"""Reading a log without believing it: faults, verdicts, levels."""
