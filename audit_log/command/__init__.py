"""The auditor's command: what is asked for, what is read, what is answered. Nothing is written."""
