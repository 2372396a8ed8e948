"""What makes a run of code other than it was configured, found in the syntax tree.

Pure: source text and a vocabulary in, problems out. Only ``files`` looks at a disk. One walk of the
tree serves every rule; nothing is ever found by searching text.
"""
