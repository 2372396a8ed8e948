"""The verbs: the few places where rooms meet, one module for each thing that can be asked."""
