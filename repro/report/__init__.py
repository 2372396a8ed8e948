"""Findings in the forms that other programs read: GitHub's commands, SARIF, JUnit. Pure text."""
