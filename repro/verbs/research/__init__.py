"""Many runs for one question: replicates, sweeps, experiments, rankings, attribution."""
