"""Training that can prove itself: configuration, provenance and an auditable log."""

__version__ = "0.1.0"
