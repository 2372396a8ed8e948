"""JSON Schemas (draft 2020-12), one closed schema for each kind of document, record and output."""
