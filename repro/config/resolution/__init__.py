"""From documents and a command to one value for each path, with its history."""
